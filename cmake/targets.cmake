# The library's targets. INTERFACE only: they carry include paths and what they link, no flags, macros or warnings.
# amq::search is always there; amq::amq, amq::sqlite and amq::cuda only where their own dependencies are, with a line that
# says so.
include(${CMAKE_CURRENT_LIST_DIR}/dependencies.cmake)

# Inside somebody else's project, what we find must be visible where our targets are linked.
if(NOT PROJECT_IS_TOP_LEVEL)
  set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL TRUE)
endif()

# amq_library(name [OPTIONAL] NEEDS target LINKS libraries...): defines amq::name unless something it needs is missing,
# which only an OPTIONAL one may lack where amq itself is worked on.
function(amq_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "OPTIONAL" "NEEDS" "LINKS")
  amq_find_dependencies(${name})
  if(arg_NEEDS AND NOT TARGET ${arg_NEEDS})
    list(APPEND amq_${name}_missing "${arg_NEEDS}")
  endif()
  if(amq_${name}_missing)
    list(JOIN amq_${name}_missing ", " missing)
    set(severity STATUS)
    if((PROJECT_IS_TOP_LEVEL AND NOT arg_OPTIONAL) OR NOT arg_NEEDS)
      set(severity FATAL_ERROR)
    endif()
    message(${severity} "The target amq::${name} is not defined, for want of: ${missing}")
    return()
  endif()
  add_library(amq_${name} INTERFACE)
  add_library(amq::${name} ALIAS amq_${name})
  set_target_properties(amq_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(amq_${name} INTERFACE cxx_std_20)
  # Inside another project these are system headers, as they are once installed: that project's warning flags are about
  # its own code (its global names may well be ours, too, which -Wshadow would hold against us).
  set(system)
  if(NOT PROJECT_IS_TOP_LEVEL)
    set(system SYSTEM)
  endif()
  target_include_directories(amq_${name} ${system} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                                             $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(amq_${name} INTERFACE ${arg_NEEDS} ${arg_LINKS})
endfunction()

amq_library(search LINKS Eigen3::Eigen Boost::headers NLopt::nlopt Threads::Threads)
amq_library(amq NEEDS amq_search LINKS nlohmann_json::nlohmann_json OpenSSL::Crypto PCRE2::8BIT utf8proc::utf8proc)
amq_library(sqlite NEEDS amq_amq LINKS SQLite::SQLite3)

# Code for the device is compiled by nvcc, which brings its own runtime; what amq::cuda adds are the toolkit's libraries.
set(AMQ_CUDA AUTO CACHE STRING "The CUDA backend: AUTO (where the toolkit is), ON (or stop) or OFF")
set_property(CACHE AMQ_CUDA PROPERTY STRINGS AUTO ON OFF)
if(AMQ_CUDA STREQUAL "AUTO")
  amq_library(cuda OPTIONAL NEEDS amq_amq LINKS CUDA::cublas CUDA::cusolver)
elseif(AMQ_CUDA)
  amq_library(cuda NEEDS amq_amq LINKS CUDA::cublas CUDA::cusolver)
  if(NOT TARGET amq_cuda)
    message(FATAL_ERROR "AMQ_CUDA is ON, and the target amq::cuda cannot be had (see above); AUTO does without it")
  endif()
endif()
