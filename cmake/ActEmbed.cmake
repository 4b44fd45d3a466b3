# act_embed(<target> <files> <name> <header>): the bytes of a file, or of several one after the other, become the
# arrays <name> and <name>_bytes, declared in <header>, and are made anew when a file changes.
function(act_embed target files name header)
    set(source "${CMAKE_CURRENT_BINARY_DIR}/${name}.c")
    set(paths)
    foreach(file IN LISTS files)
        cmake_path(ABSOLUTE_PATH file OUTPUT_VARIABLE path)
        list(APPEND paths "${path}")
    endforeach()
    add_custom_command(
        OUTPUT "${source}"
        COMMAND ${CMAKE_COMMAND} -D "from=${paths}" -D "to=${source}" -D name=${name}
                -D "header=${header}" -P "${PROJECT_SOURCE_DIR}/cmake/embed_file.cmake"
        DEPENDS ${paths} "${PROJECT_SOURCE_DIR}/cmake/embed_file.cmake"
        VERBATIM)
    target_sources(${target} PRIVATE "${source}")
endfunction()
