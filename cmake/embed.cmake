# cmake -DOUT=FILE.c -DNAME=symbol -DFILES=a;b;… -P embed.cmake: files as an array of {name, bytes, size},
# each under its name without its folder.
set(bytes "")
set(rows "")
set(number 0)
foreach(file IN LISTS FILES)
    file(READ "${file}" hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," hex "${hex}")
    cmake_path(GET file FILENAME name)
    string(APPEND bytes "static const unsigned char file_${number}[] = {${hex}0};\n")
    string(APPEND rows "    {\"${name}\", file_${number}, sizeof(file_${number}) - 1},\n")
    math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUT}"
     "#include \"cli/embedded.h\"\n\n${bytes}\n"
     "const struct act_embedded ${NAME}[] = {\n${rows}    {0}};\n")
