// amq: mixed-precision quantization from the command line. Parses, calls one command, maps errors to exit codes.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>

#include "amq/core/error.hpp"
#include "amq/version.hpp"
#include "interrupt.hpp"
#include "options.hpp"
#include "running_options.hpp"
#include "shared_options.hpp"

namespace {

using namespace amq::cli;

/// An empty value would become a 0 that nobody typed.
void refuse_empty_values(CLI::App& app) {
  auto const given = [](std::string const& text) {
    return std::string(text.empty() ? "an empty value is no value" : "");
  };
  for (auto* option : app.get_options())
    if (option->get_items_expected_max() > 0) option->check(given);
  for (auto* part : app.get_subcommands([](CLI::App const*) { return true; })) refuse_empty_values(*part);
}

void add_gap(CLI::App& app, gap_options& options, int& code) {
  auto* command = app.add_subcommand("gap", "How well a proxy ranks what a deployment quantizer gives");
  add_model(*command, options.model);
  add_measuring(*command, options.measure);
  add_space(*command, options.space);
  command
      ->add_option("--deployment", options.deployment,
                   "The other quantizer: hqq, rtn, rtn_symmetric, rtn_awq, gptq, awq or gguf")
      ->capture_default_str();
  command->add_option("--levels", options.levels, "Sizes to compare at, evenly over the range of bits")
      ->capture_default_str();
  command->add_option("--configurations", options.configurations, "Configurations of each size")->capture_default_str();
  command->add_option("--width", options.width, "Share of the range of bits that counts as the same size")
      ->capture_default_str()
      ->check(CLI::Range(1e-6, 1.0));
  command->add_option("--seed", options.seed, "Seed of the configurations")
      ->capture_default_str()
      ->check(whole_number<std::uint64_t>);
  command->add_option("--out", options.out, "Folder for gap.json, gap.csv and gap.svg")->required();
  add_json(*command, options.json);
  command->callback([&] { code = gap(options); });
}

void add_archive(CLI::App& app, archive_options& exporting, archive_options& importing, int& code) {
  auto* archive_command = app.add_subcommand("archive", "Archives from and to files of other programs");
  archive_command->require_subcommand(1);
  auto* export_command = archive_command->add_subcommand("export", "An archive as CSV");
  export_command->add_option("ARCHIVE", exporting.archive, "Folder of a search, its archive.sqlite, or a CSV")
      ->required();
  export_command->add_option("--out", exporting.out, "CSV file to write")->required();
  export_command->add_flag("--sensitivities", exporting.sensitivities,
                           "Only each layer's loss alone at 2 bits, as `amq compare --sensitivity` reads it");
  add_json(*export_command, exporting.json);
  export_command->callback([&] { code = export_archive(exporting); });
  auto* import_command = archive_command->add_subcommand(
      "import", "A new archive from a CSV, or from sensitivities in the files of AMQ's own code (JSON or CSV)");
  import_command->add_option("FILE", importing.archive, "What to read")->required();
  import_command->add_option("--out", importing.out, "Archive to make, as in DIR/archive.sqlite")->required();
  import_command->add_option("--model", importing.model, "Folder whose config.json tells the layers of sensitivities");
  add_bits(*import_command, importing.bits);
  import_command->add_option("--group", importing.group, "Inputs that share a scale and a zero; -1 for whole rows")
      ->capture_default_str();
  add_json(*import_command, importing.json);
  import_command->callback([&] { code = import_archive(importing); });
}

int report(char const* message, int code) {
  std::fflush(stdout);
  std::fprintf(stderr, "amq: %s\n", message);
  return code;
}

/// The command-line library's errors as one sentence; its own codes all become "bad usage".
int bad_usage(CLI::App const& app, CLI::ParseError const& failure) {
  if (failure.get_exit_code() == 0) return app.exit(failure);
  std::string message = failure.what();
  std::replace(message.begin(), message.end(), '\n', ' ');
  message = message.substr(0, 400) + ". Run with --help for the options.";
  return report(message.c_str(), exit_bad_input);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"amq finds how many bits every linear layer of a language model needs, and quantizes it so"};
  app.require_subcommand(0, 1);
  app.set_version_flag("--version", std::string("amq ") + amq::version);

  int code = exit_done;

  inspect_options inspecting;
  auto* inspect_command = app.add_subcommand("inspect", "Architecture, linear layers, size of the search space");
  add_model(*inspect_command, inspecting.model);
  add_space(*inspect_command, inspecting.space);
  add_json(*inspect_command, inspecting.json);
  inspect_command->callback([&] { code = inspect(inspecting); });

  evaluate_options evaluating;
  auto* evaluate_command = app.add_subcommand("evaluate", "Quality of one configuration against the unquantized model");
  add_model(*evaluate_command, evaluating.model);
  add_measuring(*evaluate_command, evaluating.measure);
  add_group(*evaluate_command, evaluating.group);
  auto* chosen = evaluate_command->add_option_group("configuration", "What to evaluate");
  chosen->add_option("--configuration", evaluating.configuration, "JSON file with the bits of every layer");
  chosen->add_option("--bits", evaluating.bits, "The same width for every layer, 2 to 8");
  chosen->require_option(1);
  add_json(*evaluate_command, evaluating.json);
  evaluate_command->callback([&] {
    evaluating.group_given = evaluate_command->count("--group") > 0;
    code = evaluate(evaluating);
  });

  sensitivity_options sensing;
  auto* sensitivity_command = app.add_subcommand("sensitivity", "Each linear layer alone at the lowest width");
  add_model(*sensitivity_command, sensing.model);
  add_measuring(*sensitivity_command, sensing.measure);
  add_space(*sensitivity_command, sensing.space);
  sensitivity_command->add_option("--threshold", sensing.threshold, "Layers above this times the median are pinned")
      ->capture_default_str()
      ->check(positive_number);
  add_json(*sensitivity_command, sensing.json);
  sensitivity_command->callback([&] { code = sensitivity(sensing); });

  search_options searching;
  auto* search_command =
      app.add_subcommand("search", "Find the Pareto front of average bits, or speed, against quality loss");
  add_model(*search_command, searching.model);
  add_measuring(*search_command, searching.measure);
  add_space(*search_command, searching.space);
  search_command->add_option("--seed", searching.seed, "Seed of every random number; same seed, same archive")
      ->required()
      ->check(whole_number<std::uint64_t>);
  search_command->add_option("--out", searching.out, "Folder for archive.sqlite and the front")->required();
  search_command
      ->add_option("--evaluations", searching.evaluations,
                   "Configurations to measure in all, sensitivities included (default: the preset's own number)")
      ->check(whole_number<std::int64_t>);
  search_command->add_option("--preset", searching.preset, "A strategy by name (see amq policies)")
      ->capture_default_str();
  search_command->add_option("--predictor", searching.predictor, "Instead of the preset's own (see amq policies)");
  search_command->add_option("--optimizer", searching.optimizer, "Instead of the preset's own (see amq policies)");
  search_command->add_option("--infill", searching.infill, "Instead of the preset's own (see amq policies)");
  search_command
      ->add_option("--threshold", searching.threshold, "Layers above this times the median are pinned (AMQ's presets)")
      ->capture_default_str()
      ->check(positive_number);
  search_command->add_option("--initial", searching.initial,
                             "Size of a random initial design, uniform ones included (presets that have one)");
  search_command->add_option("--candidates", searching.candidates, "Configurations measured in an iteration");
  search_command->add_option("--population", searching.population, "Individuals of an evolutionary optimizer")
      ->capture_default_str()
      ->check(CLI::Range(2, 100000));
  search_command->add_option("--generations", searching.generations, "Generations of an evolutionary optimizer")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  search_command->add_option(
      "--evaluator", searching.evaluator,
      "Command that measures instead of amq: bits in, losses out, as JSON lines (docs/formats.md)");
  search_command
      ->add_option("--evaluator-timeout", searching.evaluator_timeout, "Seconds it may take for one configuration")
      ->capture_default_str()
      ->check(positive_number);
  search_command
      ->add_option("--objective", searching.objectives,
                   "What quality is traded against: bits, latency (predicted by --profile), or bits,latency")
      ->delimiter(',')
      ->capture_default_str();
  search_command->add_option("--profile", searching.profile, "Times of this model's layers, from amq profile");
  search_command->add_flag("--resume", searching.resume, "Continue the search in --out");
  add_json(*search_command, searching.json);
  search_command->callback([&] { code = search(searching); });

  deploy_options deploying;
  auto* deploy_command = app.add_subcommand("deploy", "Write the best configuration that fits as a model folder");
  deploy_command->add_option("DIR", deploying.search, "Folder of a search")->required();
  auto* budget = deploy_command->add_option_group("budget", "What it may cost");
  budget->add_option("--at-most-bits", deploying.at_most_bits, "Average bits of the linear layers, overhead included")
      ->check(positive_number);
  budget->add_option("--at-most-bytes", deploying.at_most_bytes, "Bytes of the whole quantized model")
      ->check(whole_number<std::int64_t>);
  budget->add_option("--at-most-gib", deploying.at_most_gib, "Memory in GiB for the model and its key/value cache")
      ->check(positive_number);
  budget
      ->add_option("--at-least-tokens-per-second", deploying.at_least_tokens_per_second,
                   "Predicted speed of decoding, by the search's profile or --profile")
      ->check(positive_number);
  budget->require_option(1);
  deploy_command->add_option("--profile", deploying.profile, "Times of this model's layers, from amq profile");
  deploy_command->add_option("--context", deploying.context, "Tokens in the key/value cache that --at-most-gib holds")
      ->check(whole_number<std::int64_t>)
      ->check(CLI::NonNegativeNumber);
  deploy_command->add_option("--quantizer", deploying.quantizer,
                             "hqq, rtn, rtn_symmetric, rtn_awq, gptq, gptq_act_order, gptq_symmetric, gptaq, awq, owq, "
                             "bitstack or gguf (default: the search's proxy)");
  deploy_command
      ->add_option("--format", deploying.format,
                   "hf, amq, compressed-tensors, compressed-tensors-symmetric, gptq, gptq-symmetric, awq, mlx or gguf; "
                   "autoround and vllm write their tables alone")
      ->capture_default_str();
  deploy_command
      ->add_option("--verify", deploying.verify,
                   "Quantize so many candidates for real, measure them and keep the best (default: 1 where the "
                   "quantizer is not the search's proxy)")
      ->check(CLI::Range(0, 1000));
  deploy_command->add_flag("--exact", deploying.exact, "Refuse zeros that the format would round");
  deploy_command->add_flag("--force", deploying.force, "Replace a folder that amq wrote before");
  deploy_command->add_option("--heldout", deploying.heldout, "Tokens the search has not seen, to measure on as well");
  deploy_command->add_option("--out", deploying.out, "Folder to write")->required();
  deploy_command->add_option("--model", deploying.model, "Where the search's model is now, if it moved");
  deploy_command->add_option("--tokens", deploying.tokens, "Where the search's tokens are now, if they moved");
  add_threads(*deploy_command, deploying.threads);
  add_json(*deploy_command, deploying.json);
  deploy_command->callback([&] { code = deploy(deploying); });

  policies_options listing;
  auto* policies_command =
      app.add_subcommand("policies", "Presets, predictors, optimizers and infills by name, with what they are");
  add_json(*policies_command, listing.json);
  policies_command->callback([&] { code = list_policies(listing); });

  gap_options comparing_quantizers;
  add_gap(app, comparing_quantizers, code);
  running_commands running;
  add_running_commands(app, running, code);
  archive_options exporting, importing;
  add_archive(app, exporting, importing, code);

  compare_options comparing;
  auto* compare_command = app.add_subcommand("compare", "Search strategies against each other on the same landscape");
  compare_command
      ->add_option("--landscape", comparing.landscape, "flat, deep or chain (synthetic), table (an archive) or model")
      ->check(CLI::IsMember({"flat", "deep", "chain", "table", "model"}));
  compare_command->add_option("--sensitivity", comparing.sensitivity, "CSV of layer,rows,cols,jsd_alone_at_2_bits");
  compare_command->add_option("--landscape-seed", comparing.landscape_seed, "Seed of a synthetic landscape")
      ->capture_default_str()
      ->check(whole_number<std::uint64_t>);
  compare_command->add_option("--archive", comparing.archive,
                              "Archive to replay: archive.sqlite, or an archive as CSV");
  compare_command->add_option("--model", comparing.model, "Hugging Face folder: config.json and safetensors");
  add_measuring(*compare_command, comparing.measure, false);
  add_space(*compare_command, comparing.space);
  compare_command->add_option("--strategies", comparing.strategies, "Presets, separated by commas (see amq policies)")
      ->delimiter(',')
      ->capture_default_str();
  compare_command->add_option(
      "--vary", comparing.vary,
      "PART=NAME,NAME: every strategy with each of these predictors, optimizers or infills; several "
      "make the full factorial");
  compare_command->add_option("--seeds", comparing.seeds, "Seeds 1 to N, the same for every strategy")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  compare_command
      ->add_option("--evaluations", comparing.evaluations, "Configurations measured in a run, everything counted")
      ->check(whole_number<std::int64_t>);
  compare_command->add_option("--initial", comparing.initial, "Size of AMQ's initial design, uniform ones included");
  compare_command->add_option("--candidates", comparing.candidates, "Configurations measured in a batch");
  compare_command
      ->add_option("--probes", comparing.probes,
                   "Uncounted evaluations before each batch that try the predictor (default: 96; model: 0)")
      ->check(CLI::Range(0, 10000));
  compare_command->add_option("--out", comparing.out, "Folder; what is finished there is kept");
  compare_command
      ->add_option("--across", comparing.across,
                   "Folders of finished comparisons: tests over these landscapes together")
      ->delimiter(',');
  add_json(*compare_command, comparing.json);
  compare_command->callback([&] { code = compare(comparing); });

  try {
    catch_interrupts();
    refuse_empty_values(app);
    app.parse(argc, argv);
    if (app.get_subcommands().empty())
      return report(
          "no command was given; expected inspect, evaluate, sensitivity, search, deploy, generate, benchmark, "
          "profile, "
          "compare, gap, archive or policies (see --help)",
          exit_bad_input);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
      return report("standard output cannot be written", exit_bad_input);
    return code;
  } catch (interrupted const&) {
    return report("interrupted; nothing was written", exit_interrupted);
  } catch (CLI::ParseError const& failure) {
    return bad_usage(app, failure);
  } catch (amq::input_error const& failure) {
    return report(failure.what(), exit_bad_input);
  } catch (std::bad_alloc const&) {
    return report("out of memory", exit_internal_error);
  } catch (std::exception const& failure) {
    return report(failure.what(), exit_internal_error);
  }
}
