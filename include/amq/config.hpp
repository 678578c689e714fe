// Compiler checks that hold for every header. Defines nothing that changes behaviour.
#pragma once

#if !defined(__cpp_concepts) || __cplusplus < 202002L
#error "amq needs C++20: compile with -std=c++20 or set CMAKE_CXX_STANDARD to 20"
#endif
