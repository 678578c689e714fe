# Installs the headers and the CMake package; one export set a target, so that a target comes only with what it needs.
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_DATADIR}/cmake/amq)

foreach(component search amq sqlite cuda)
  if(TARGET amq_${component})
    install(TARGETS amq_${component} EXPORT amq-${component})
    install(EXPORT amq-${component} NAMESPACE amq:: DESTINATION ${package_folder} COMPONENT development)
  endif()
endforeach()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/amq-config.cmake.in ${PROJECT_BINARY_DIR}/cmake/amq-config.cmake
                              INSTALL_DESTINATION ${package_folder} NO_SET_AND_CHECK_MACRO
                              NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/amq-config-version.cmake COMPATIBILITY SameMinorVersion
                                 ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/cmake/amq-config.cmake ${PROJECT_BINARY_DIR}/cmake/amq-config-version.cmake
              ${CMAKE_CURRENT_LIST_DIR}/dependencies.cmake DESTINATION ${package_folder} COMPONENT development)
install(DIRECTORY include/amq DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
        FILES_MATCHING PATTERN "*.hpp" PATTERN "*.inl" PATTERN "*.cuh")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT development)
if(TARGET amq)
  install(TARGETS amq RUNTIME COMPONENT program)
endif()
