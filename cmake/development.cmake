# For work on amq itself: warnings as errors, ccache where it is there, a default build type. Users never see these.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# A third of the processor time from scratch, more after a change: for machines that always start from scratch.
set(AMQ_UNITY "$ENV{AMQ_UNITY}" CACHE BOOL "Compile several sources of a target together")
if(AMQ_UNITY)
  set(CMAKE_UNITY_BUILD ON)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE 10)
  # Collecting garbage later takes g++ a tenth less time, and up to a gigabyte more memory a process.
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:--param=ggc-min-heapsize=1048576>)
endif()

find_program(AMQ_CCACHE ccache)
mark_as_advanced(AMQ_CCACHE)
if(AMQ_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Precompiled headers and ccache agree only when time stamps and macros are left out of the hash.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${AMQ_CCACHE})
endif()

add_library(amq_warnings INTERFACE)
target_compile_options(
  amq_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wconversion;-Wshadow;-Werror>
                         $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings;-Xcompiler=-Wall,-Wextra>)
# g++ 12 takes "text" + std::string for an overlapping copy (GCC bug 105651, gone in 13), and std::string(path) + "text"
# for one beyond its end, depending on how long the path is.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(
    amq_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict;-Wno-array-bounds;-Wno-stringop-overflow>
                           $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wno-restrict,-Wno-array-bounds,-Wno-stringop-overflow>)
endif()
# Sources that are compiled together see each other's global names, which is nobody's fault.
if(AMQ_UNITY)
  target_compile_options(amq_warnings INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-shadow;-Wshadow=local>
                                                $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-shadow>)
endif()
# Under sanitizers g++ warns about what its own instrumentation adds; the plain builds are where warnings are errors.
if(AMQ_SANITIZED)
  target_compile_options(amq_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-error>)
endif()
