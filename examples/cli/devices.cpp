// --device: from text to open devices.
#include "devices.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "amq/core/error.hpp"

namespace amq::cli {
namespace {

[[noreturn]] void refuse(std::string const& text) {
  throw input_error("--device " + text.substr(0, 40) +
                    " is no device; expected any, cpu, cuda, or numbers of CUDA devices, such as cuda:1 or cuda:0,1");
}

}  // namespace

device_choice parse_device(std::string const& text) {
  if (text == "any" || text == "cpu") return {device_named(text)};
  constexpr std::string_view prefix = "cuda";
  if (!text.starts_with(prefix)) refuse(text);
  device_choice choice{device::cuda};
  auto rest = std::string_view(text).substr(prefix.size());
  if (rest.empty()) return choice.numbers.push_back(0), choice;
  for (char expected = ':'; !rest.empty(); expected = ',') {
    int number = 0;
    if (rest.front() != expected) refuse(text);
    rest.remove_prefix(1);
    auto const [end, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (failure != std::errc{} || number < 0) refuse(text);
    if (std::ranges::find(choice.numbers, number) != choice.numbers.end())
      throw input_error("--device " + text.substr(0, 40) + " names the device " + std::to_string(number) + " twice");
    choice.numbers.push_back(number);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  }
  return choice;
}

device_list open_devices(device_choice const& choice) {
  device_list devices;
  if (choice.kind != device::cuda) return devices;
  int const there = device_count();
  if (there == 0) {
    open_device(choice.numbers.front());  // which says whether it is the device or the driver that is not there
    throw input_error("--device cuda: there is no CUDA device; `nvidia-smi` lists what there is");
  }
  for (int const number : choice.numbers)
    if (number >= there)
      throw input_error("--device cuda:" + std::to_string(number) + " is not there; expected " +
                        (there == 1 ? "cuda:0, the only CUDA device"
                                    : "numbers of CUDA devices from 0 to " + std::to_string(there - 1)));
  for (int const number : choice.numbers) devices.push_back(open_device(number));
  return devices;
}

std::shared_ptr<cuda::device> open_one_device(std::string const& text) {
  auto const choice = parse_device(text);
  if (choice.numbers.size() > 1)
    throw input_error("--device " + text.substr(0, 40) + " names " + std::to_string(choice.numbers.size()) +
                      " devices; this command runs on one");
  auto const devices = open_devices(choice);
  return devices.empty() ? nullptr : devices.front();
}

std::string device_names(device_list const& devices) {
  std::string names;
  for (auto const& each : devices) names += (names.empty() ? "" : ", ") + each->facts().name;
  return names;
}

}  // namespace amq::cli
