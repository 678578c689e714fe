// A space spelled at compile time, and what is said about widths and groups that make none.
//
// WITHOUT_WIDTHS: amq: bits<...> needs at least one width
// WITHOUT_ORDER: amq: bits<...> takes each width once, fewest bits first
// WITHOUT_LIMIT: amq: bits<...> takes widths from 2 to 8
// WITHOUT_GROUP: amq: group<...> needs a positive number of inputs
// WITHOUT_SENSE: amq: write bit_space<bits<2, 3, 4>, group<128>>
#include "amq/space/bit_space.hpp"

#if defined(WITHOUT_WIDTHS)
using widths = amq::bits<>;
#elif defined(WITHOUT_ORDER)
using widths = amq::bits<3, 2>;
#elif defined(WITHOUT_LIMIT)
using widths = amq::bits<2, 9>;
#else
using widths = amq::bits<2, 3, 4>;
#endif

#if defined(WITHOUT_GROUP)
using group = amq::group<0>;
#else
using group = amq::group<128>;
#endif

#if defined(WITHOUT_SENSE)
using space = amq::bit_space<group, widths>;
#else
using space = amq::bit_space<widths, group>;
#endif

[[maybe_unused]] widths const chosen_widths;
[[maybe_unused]] group const chosen_group;
[[maybe_unused]] space const chosen_space;
