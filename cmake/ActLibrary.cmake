# libactant.a, what include/actant promises, and nothing else: all layers but the command line in one object
# file, whose hidden symbols are made local. Vendor libraries stay outside: a program that embeds the engine
# shares them with whatever else it links (two copies of SQLite in one process lose each other's locks).
# As pkg-config calls them.
set(act_requires yaml-0.1 libpcre2-8 sqlite3 libuv libsodium)

# act_library(<layer>…)
function(act_library)
    set(object "${PROJECT_BINARY_DIR}/libactant.o")
    set(archive "${PROJECT_BINARY_DIR}/libactant.a")
    foreach(layer IN LISTS ARGN)
        list(APPEND archives "$<TARGET_FILE:${layer}>")
    endforeach()
    add_custom_command(
        OUTPUT "${archive}"
        COMMAND ${CMAKE_LINKER} -r -o "${object}" --whole-archive ${archives} --no-whole-archive
        COMMAND ${CMAKE_OBJCOPY} --localize-hidden "${object}"
        COMMAND ${CMAKE_COMMAND} -E rm -f "${archive}"
        COMMAND ${CMAKE_AR} rcs "${archive}" "${object}"
        DEPENDS ${ARGN}
        COMMENT "Linking libactant.a"
        VERBATIM)
    add_custom_target(libactant ALL DEPENDS "${archive}")

    # Installed below lib (not lib/<triplet>), so that the prefix can be found from the files' own places.
    list(JOIN act_requires " " ACT_REQUIRES)
    foreach(file actant.pc actant-config.cmake)
        configure_file("${PROJECT_SOURCE_DIR}/cmake/${file}.in" "${PROJECT_BINARY_DIR}/${file}" @ONLY)
    endforeach()
    include(CMakePackageConfigHelpers)
    write_basic_package_version_file("${PROJECT_BINARY_DIR}/actant-config-version.cmake"
                                     COMPATIBILITY SameMinorVersion)
    install(FILES "${archive}" DESTINATION lib COMPONENT engine)
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/actant" DESTINATION include COMPONENT engine)
    install(FILES "${PROJECT_BINARY_DIR}/actant.pc" DESTINATION lib/pkgconfig COMPONENT engine)
    install(FILES "${PROJECT_BINARY_DIR}/actant-config.cmake"
                  "${PROJECT_BINARY_DIR}/actant-config-version.cmake"
            DESTINATION lib/cmake/actant COMPONENT engine)
endfunction()
