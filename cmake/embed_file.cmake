# Writes the C file of act_embed (ActEmbed.cmake).
set(hex)
foreach(file IN LISTS from)
    file(READ "${file}" part HEX)
    string(APPEND hex "${part}")
endforeach()
string(LENGTH "${hex}" digits)
math(EXPR count "${digits} / 2")
string(REGEX REPLACE "(................................)" "\\1\n" lines "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${lines}")
file(WRITE "${to}" "#include \"${header}\"\n
const unsigned char ${name}[] = {\n${bytes}\n};\nconst size_t ${name}_bytes = ${count};\n")
