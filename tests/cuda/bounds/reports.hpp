// Accesses beyond memory's ends that AddressSanitizer reported.
#pragma once

#include <string>

namespace bounds {

/// The reports since the last call, as text.
std::string reported();

}  // namespace bounds
