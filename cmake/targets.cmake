# The library's targets. INTERFACE only: they carry include paths and what they link, no flags, macros or warnings.
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(Boost 1.74 REQUIRED)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(SQLite3 REQUIRED)
find_package(Threads REQUIRED)

function(amq_library name)
  add_library(amq_${name} INTERFACE)
  add_library(amq::${name} ALIAS amq_${name})
  set_target_properties(amq_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(amq_${name} INTERFACE cxx_std_20)
  target_include_directories(
    amq_${name} INTERFACE $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
                          $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endfunction()

amq_library(search)
target_link_libraries(amq_search INTERFACE Eigen3::Eigen Boost::headers Threads::Threads)

amq_library(amq)
target_link_libraries(amq_amq INTERFACE amq_search nlohmann_json::nlohmann_json OpenSSL::Crypto)

amq_library(sqlite)
target_link_libraries(amq_sqlite INTERFACE amq_amq SQLite::SQLite3)
