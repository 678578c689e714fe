// All presets. Who uses one includes its header alone.
#pragma once

#include "amq/search/presets/amq.hpp"
#include "amq/search/presets/amq_as_released.hpp"
#include "amq/search/presets/best.hpp"
#include "amq/search/presets/evolution.hpp"
#include "amq/search/presets/gp_ehvi.hpp"
#include "amq/search/presets/greedy.hpp"
#include "amq/search/presets/knapsack.hpp"
#include "amq/search/presets/moead_only.hpp"
#include "amq/search/presets/nsga2_only.hpp"
#include "amq/search/presets/random.hpp"
#include "amq/search/presets/share.hpp"
