# clang for wasm32 against Debian's wasi-libc; compile only, nothing is linked.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_C_COMPILER clang)
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
# Vendor headers only: with -idirafter wasi-libc's own headers are always found first.
set(CMAKE_C_FLAGS_INIT "-idirafter /usr/include")
