// GPUs by number: what --device says, and the two functions through which the program reaches CUDA where it has it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "amq/cuda/device.hpp"
#include "amq/space/device_check.hpp"

namespace amq::cli {

/// Devices that a command uses; none: the host.
using device_list = std::vector<std::shared_ptr<cuda::device>>;

/// CUDA devices that this program can open. Throws input_error where it was built without CUDA.
int device_count();

/// Throws input_error or cuda_error, with a sentence, for a device that cannot be used.
std::shared_ptr<cuda::device> open_device(int number);

/// What --device says.
struct device_choice {
  amq::device kind = amq::device::any;
  std::vector<int> numbers = {};  ///< of cuda; in the order given
};

/// `any`, `cpu`, `cuda`, `cuda:1` or `cuda:0,1`. Throws input_error for any other text and a device that is named
/// twice.
device_choice parse_device(std::string const& text);

/// Throws input_error for numbers beyond what is there, and what open_device throws.
device_list open_devices(device_choice const& choice);

/// For commands that run on one device: null is the host. Throws input_error for more than one as well.
std::shared_ptr<cuda::device> open_one_device(std::string const& text);

/// Their names, for archives and tables.
std::string device_names(device_list const& devices);

}  // namespace amq::cli
