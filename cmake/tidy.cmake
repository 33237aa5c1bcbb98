# The target `tidy`: clang-tidy over every source of the rooms that can be parsed without libtorch,
# which clang 14 cannot parse as C++20.
find_program(RUN_CLANG_TIDY NAMES run-clang-tidy run-clang-tidy-14 REQUIRED)

file(GLOB_RECURSE tidy_candidates CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/daemon/*.cpp ${PROJECT_SOURCE_DIR}/dsp/*.cpp
    ${PROJECT_SOURCE_DIR}/model/*.cpp ${PROJECT_SOURCE_DIR}/protocol/*.cpp)
set(tidy_sources)
foreach(source ${tidy_candidates})
    # Only model/network.hpp brings libtorch into other files; tests/layering sees to that.
    file(STRINGS ${source} torch_includes REGEX "#include [<\"](torch/|model/network\\.hpp)")
    if(NOT torch_includes)
        list(APPEND tidy_sources ^${source}$)
    endif()
endforeach()

add_custom_target(tidy
    COMMAND ${RUN_CLANG_TIDY} -quiet -p ${PROJECT_BINARY_DIR}
            -extra-arg=-Wno-unknown-warning-option ${tidy_sources}
    COMMENT "clang-tidy" USES_TERMINAL VERBATIM)
