# Everything below is a package of Debian 12 and 13; docs/adr/0002 says why each is here.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS url)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(tomlplusplus 3 REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto SSL)
find_package(SQLiteCpp REQUIRED)
find_package(prometheus-cpp REQUIRED COMPONENTS core)
pkg_check_modules(FFTW3F REQUIRED IMPORTED_TARGET fftw3f)
pkg_check_modules(SOXR REQUIRED IMPORTED_TARGET soxr)
pkg_check_modules(SNDFILE REQUIRED IMPORTED_TARGET sndfile>=1.1)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd>=252)
pkg_check_modules(PORTAUDIO REQUIRED IMPORTED_TARGET portaudio-2.0>=19)

# Debian's TorchConfig.cmake asks for compilers and libraries that using libtorch does not need
# (a CUDA toolkit, protobuf), so the three libraries are found by hand. TORCH_ROOT names an
# unpacked libtorch of another origin, for example one with CUDA.
set(TORCH_ROOT "" CACHE PATH "An unpacked libtorch; empty: the system's")
find_path(TORCH_INCLUDE_DIR torch/script.h HINTS ${TORCH_ROOT}/include REQUIRED)
set(torch_libraries)
foreach(library torch torch_cpu c10)
    find_library(TORCH_${library}_LIBRARY ${library} HINTS ${TORCH_ROOT}/lib REQUIRED)
    list(APPEND torch_libraries ${TORCH_${library}_LIBRARY})
endforeach()
foreach(library torch_cuda c10_cuda)
    find_library(TORCH_${library}_LIBRARY ${library} HINTS ${TORCH_ROOT}/lib)
    if(TORCH_${library}_LIBRARY)
        # Nothing refers to these by symbol: without --no-as-needed the linker would drop CUDA.
        list(APPEND torch_libraries -Wl,--no-as-needed ${TORCH_${library}_LIBRARY} -Wl,--as-needed)
    endif()
endforeach()
add_library(torch::torch INTERFACE IMPORTED)
target_include_directories(torch::torch SYSTEM INTERFACE
    ${TORCH_INCLUDE_DIR} ${TORCH_INCLUDE_DIR}/torch/csrc/api/include)
target_link_libraries(torch::torch INTERFACE ${torch_libraries})
