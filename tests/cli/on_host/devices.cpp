// The program's way to two devices that are the host: AMQ_TEST_MODEL is the folder of the model that is run there, the
// measurement AMQ_TEST_FAILURE (if any) fails as an illegal access of a kernel does.
#include "devices.hpp"

#include <cstdlib>
#include <string>

#include "support/host_device.hpp"

namespace amq::cli {

int device_count() { return 2; }

std::shared_ptr<cuda::device> open_device(int number) {
  static auto const model = llama::load(std::getenv("AMQ_TEST_MODEL"));
  static auto const script = std::make_shared<amq_test::device_script>();
  if (auto const* const failing = std::getenv("AMQ_TEST_FAILURE")) script->fails_at_measurement = std::stoi(failing);
  return std::make_shared<amq_test::host_device>(model, number, script);
}

}  // namespace amq::cli
