// One of two translation units that include every header: what is not inline is defined twice and does not link.
#include "everything.hpp"

char const* const* version_seen_by_second_unit();

int main() { return version_seen_by_second_unit() == &amq::version ? 0 : 1; }
