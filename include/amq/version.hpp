// The library's version, read by CMakeLists.txt and recorded in every archive.
#pragma once

namespace amq {

inline constexpr int version_major = 0;
inline constexpr int version_minor = 1;
inline constexpr int version_patch = 0;
inline constexpr char const* version = "0.1.0";

}  // namespace amq
