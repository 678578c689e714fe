// Includes what it does not name.
#include "amq/predict/rbf.hpp"
