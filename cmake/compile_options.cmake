# Every target of ours links `emotiond_options`: include root, warnings, sanitizers.
add_library(emotiond_options INTERFACE)
target_include_directories(emotiond_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_features(emotiond_options INTERFACE cxx_std_20)
target_compile_options(emotiond_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC 12 sees overlaps inside std::string that are not there (GCC bug 105651).
    target_compile_options(emotiond_options INTERFACE -Wno-restrict)
endif()
if(EMOTIOND_WARNINGS_AS_ERRORS)
    target_compile_options(emotiond_options INTERFACE -Werror)
endif()
if(EMOTIOND_SANITIZE)
    # What the sanitizers put into the code makes GCC see uninitialised values in std::regex.
    target_compile_options(emotiond_options INTERFACE
        $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    target_compile_options(emotiond_options INTERFACE -fsanitize=${EMOTIOND_SANITIZE}
                           -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(emotiond_options INTERFACE -fsanitize=${EMOTIOND_SANITIZE})
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

# emotiond_library(NAME dsp SOURCES a.cpp ... LINK lib ...): one room of the house.
function(emotiond_library)
    cmake_parse_arguments(ARG "" "NAME" "SOURCES;LINK" ${ARGN})
    add_library(emotiond_${ARG_NAME} STATIC ${ARG_SOURCES})
    add_library(emotiond::${ARG_NAME} ALIAS emotiond_${ARG_NAME})
    target_link_libraries(emotiond_${ARG_NAME} PUBLIC emotiond_options ${ARG_LINK})
endfunction()
