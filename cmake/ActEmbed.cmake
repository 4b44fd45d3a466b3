# act_embed(<target> <file> <name> <header>): the file's bytes become the arrays <name> and
# <name>_bytes, declared in <header>, and are made anew when the file changes.
function(act_embed target file name header)
    set(source "${CMAKE_CURRENT_BINARY_DIR}/${name}.c")
    cmake_path(ABSOLUTE_PATH file OUTPUT_VARIABLE path)
    add_custom_command(
        OUTPUT "${source}"
        COMMAND ${CMAKE_COMMAND} -D "from=${path}" -D "to=${source}" -D name=${name}
                -D "header=${header}" -P "${PROJECT_SOURCE_DIR}/cmake/embed_file.cmake"
        DEPENDS "${path}" "${PROJECT_SOURCE_DIR}/cmake/embed_file.cmake"
        VERBATIM)
    target_sources(${target} PRIVATE "${source}")
endfunction()
