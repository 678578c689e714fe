// Data races that ThreadSanitizer reported: each kernel's thread is a thread to it.
#pragma once

namespace races {

/// How many since the last call.
int reported();

}  // namespace races
