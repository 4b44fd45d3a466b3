# The vendor libraries, static: act::yaml, act::pcre2, act::sqlite, act::uv, act::sodium, act::zstd.
# A pure build compiles against the headers alone (wasm32 and i386 have no such libraries in Debian).
set(THREADS_PREFER_PTHREAD_FLAG ON)

function(act_dep name archive header)
    set(target act_dep_${name})
    if(ACT_PURE)
        add_library(${target} INTERFACE)
    else()
        find_library(ACT_${name}_ARCHIVE NAMES ${archive} REQUIRED)
        find_path(ACT_${name}_INCLUDE NAMES ${header} REQUIRED)
        add_library(${target} STATIC IMPORTED GLOBAL)
        set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${ACT_${name}_ARCHIVE}")
        target_link_libraries(${target} INTERFACE ${ARGN})
    endif()
    add_library(act::${name} ALIAS ${target})
endfunction()

act_dep(yaml libyaml.a yaml.h)
act_dep(pcre2 libpcre2-8.a pcre2.h)
act_dep(sqlite libsqlite3.a sqlite3.h m)
act_dep(uv libuv_a.a uv.h)
act_dep(sodium libsodium.a sodium.h)
act_dep(zstd libzstd.a zstd.h)

if(ACT_TESTS AND NOT ACT_PURE)
    find_library(ACT_CMOCKA NAMES cmocka)
    find_program(ACT_PYTHON python3)
endif()
