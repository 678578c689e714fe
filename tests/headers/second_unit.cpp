// The other one of the two translation units that include every header.
#include "everything.hpp"

char const* const* version_seen_by_second_unit();
char const* const* version_seen_by_second_unit() { return &amq::version; }
