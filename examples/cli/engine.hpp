// What measures and quantizes, by names: compiled once for all commands.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "amq/core/quantized_model.hpp"
#include "amq/evaluate/any_evaluator.hpp"
#include "amq/model/llama.hpp"
#include "amq/space/format_space.hpp"
#include "amq/text/tokens.hpp"
#include "devices.hpp"
#include "interrupt.hpp"
#include "options.hpp"

namespace amq::cli {

/// Throws input_error for names that no proxy or loss has.
void expect_names(std::string const& proxy, measuring const& measure);

/// Throws input_error for a name that no quantizer of models has.
void expect_quantizer(std::string const& name);

/// A bank filled by the named proxy, on these devices or, where there are none, on the host. Proxies that need
/// calibration see `tokens`; what they learn is kept in `statistics_file` (none: not kept) and read from there when
/// model and tokens are the same.
any_evaluator evaluator_of(llama const& model, token_sequences const& tokens, format_space const& space,
                           std::string const& proxy, measuring const& measure, device_list const& devices,
                           std::filesystem::path const& statistics_file, interruptible_executor& executor);

/// Quantizes the model by the named quantizer, one format a layer.
void quantize_into(quantized_sink& sink, llama const& model, std::span<format const> formats,
                   token_sequences const& calibration, std::string const& quantizer, interruptible_executor& executor);

}  // namespace amq::cli
