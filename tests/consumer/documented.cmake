# Takes the first project out of a document, configures it, and fails unless it is built with optimisation.
#
# By the words before and behind it: CMake has no lazy regular expressions.
file(READ ${DOCUMENT} text)
string(FIND "${text}" "```cmake\ncmake_minimum_required" begin)
if(begin EQUAL -1)
  message(FATAL_ERROR "${DOCUMENT} shows no project")
endif()
math(EXPR begin "${begin} + 9")
string(SUBSTRING "${text}" ${begin} -1 text)
string(FIND "${text}" "\n```" end)
string(SUBSTRING "${text}" 0 ${end} project)

file(REMOVE_RECURSE ${FOLDER})
file(WRITE ${FOLDER}/CMakeLists.txt "${project}\n")
configure_file(${MAIN} ${FOLDER}/main.cpp COPYONLY)
execute_process(
  COMMAND ${CMAKE_COMMAND} -E env --unset=CMAKE_BUILD_TYPE
    ${CMAKE_COMMAND} -S ${FOLDER} -B ${FOLDER}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER}
    -DCMAKE_PREFIX_PATH=${PREFIX} -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
  COMMAND_ERROR_IS_FATAL ANY)
file(READ ${FOLDER}/build/compile_commands.json commands)
if(NOT commands MATCHES " -O[23]")
  message(FATAL_ERROR "The project of ${DOCUMENT} is built without optimisation: ${commands}")
endif()
