// amq deploy: the best configuration of a search that fits a budget, written as a model folder and measured again.
#include "amq/compose/deploy.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

#include "amq/compose/exporters.hpp"
#include "amq/compose/gguf_companions.hpp"
#include "amq/compose/memory_budget.hpp"
#include "amq/compose/verify.hpp"
#include "amq/store/sqlite_archive.hpp"
#include "archive_settings.hpp"
#include "engine.hpp"
#include "interrupt.hpp"
#include "objectives.hpp"
#include "setup.hpp"

namespace amq::cli {
namespace {

/// What a search left behind, checked against the model and tokens that are there now.
struct finished_search {
  std::filesystem::path file;
  sqlite_archive archive;
  llama model;
  token_sequences tokens;
  format_space space;
};

void expect_same(std::string const& what, std::string const& now, settings_map const& settings, std::string const& key,
                 std::filesystem::path const& file) {
  if (setting(settings, key, file) != now)
    throw input_error(file.string() + " was made with another " + what + ": its SHA-256 was " +
                      setting(settings, key, file).substr(0, 12) + "... and is " + now.substr(0, 12) +
                      "... now; put the original back or search again");
}

/// The space that was searched: each layer's choices as the archive has them, ties and target as its settings say.
format_space space_of_archive(sqlite_archive const& archive, llama const& model, space_options const& options) {
  auto const linears = model.linears();
  std::vector<linear_layer> const layers(linears.begin(), linears.end());
  auto const files = find_target(options.target);
  auto patterns = options.ties;
  for (auto& pattern : fused_patterns(files)) patterns.push_back(std::move(pattern));
  auto const groups = tied_layers(layers, patterns);
  auto const units = amq::detail::complete_partition(groups, std::ssize(layers));
  if (units.size() != archive.layers().size())
    throw input_error("the archive is about " + std::to_string(archive.layers().size()) +
                      " layers or groups of layers and the model has " + std::to_string(units.size()));
  std::vector<std::vector<format>> choices(layers.size());
  for (std::size_t unit = 0; unit < units.size(); ++unit)
    for (index const member : units[unit]) choices[static_cast<std::size_t>(member)] = archive.layers()[unit].choices;
  return format_space(layers, std::move(choices), 0).tie(groups).in_target(files, other_bytes(model, files));
}

finished_search open_search(deploy_options const& options) {
  auto const file = options.search / "archive.sqlite";
  auto archive = sqlite_archive::open_read_only(file);
  auto const& settings = archive.settings();
  auto model = llama::load(options.model ? *options.model : std::filesystem::path(setting(settings, "model", file)));
  expect_same("model", model.fingerprint(), settings, "model_sha256", file);
  token_options const selection{static_cast<int>(integer_setting(settings, "sequences", file)),
                                static_cast<int>(integer_setting(settings, "length", file))};
  auto const tokens_file = options.tokens ? *options.tokens : std::filesystem::path(setting(settings, "tokens", file));
  auto tokens = load_checked_tokens(tokens_file, selection, model);
  expect_same("selection of tokens", tokens.fingerprint(), settings, "tokens_sha256", file);

  space_options wanted;
  wanted.ties = separated(setting_or(settings, "ties", ""));
  wanted.target = setting_or(settings, "target", "amq");
  auto space = space_of_archive(archive, model, wanted);
  return {file, std::move(archive), std::move(model), std::move(tokens), std::move(space)};
}

size_budget budget_of(deploy_options const& options, llama const& model) {
  if (options.at_most_gib) return memory_budget(model.config(), *options.at_most_gib, options.context);
  if (options.context > 0)
    throw input_error(
        "--context is what the key/value cache of --at-most-gib holds; give that budget, or leave it out");
  if (options.at_least_tokens_per_second) return {std::numeric_limits<double>::infinity(), {}};
  return {options.at_most_bits, options.at_most_bytes};
}

/// The times that speed is predicted by: those given, else the search's.
latency_table times_of(finished_search const& found, deploy_options const& options) {
  if (options.profile) return latency_table::load(*options.profile);
  auto const stored = setting_or(found.archive.settings(), "profile", "");
  if (stored.empty())
    throw input_error(found.file.string() +
                      " was searched without a profile; give --profile F.json, which `amq profile` writes");
  return latency_table::parse(parse_json(stored, found.file), found.file);
}

/// What was measured and is predicted to be as fast as was asked. Throws input_error, with the fastest, when nothing
/// is.
std::vector<evaluation> fast_enough(finished_search const& found, deploy_options const& options) {
  auto const all = found.archive.evaluations();
  if (!options.at_least_tokens_per_second) {
    if (options.profile)
      throw input_error(
          "--profile predicts the speed for --at-least-tokens-per-second; give that budget, or leave it out");
    return {all.begin(), all.end()};
  }
  auto const times = times_of(found, options);
  std::vector<evaluation> fast;
  double fastest = 0;
  for (auto const& e : all) {
    double const speed = tokens_per_second(times, found.space, e.configuration);
    fastest = std::max(fastest, speed);
    if (speed >= *options.at_least_tokens_per_second) fast.push_back(e);
  }
  if (fast.empty())
    throw input_error("no measured configuration is predicted to decode " +
                      nlohmann::json(*options.at_least_tokens_per_second).dump() +
                      " tokens a second; the fastest has " + nlohmann::json(fastest).dump());
  return fast;
}

/// The one asked for; else the blocks that GGUF files hold, or the proxy.
std::string quantizer_of(finished_search const& found, deploy_options const& options) {
  auto const proxy = setting(found.archive.settings(), "proxy", found.file);
  if (!options.quantizer.empty()) return options.quantizer;
  if (options.format == "gguf") return "gguf";
  return proxy == "process" ? "hqq" : proxy;
}

/// The best candidates, and the uniform configurations that fit: with another quantizer than the proxy one of them may
/// be better.
std::vector<front_point> candidates_of(finished_search const& found, std::span<evaluation const> measured,
                                       format_space const& space, size_budget const& budget, std::size_t count) {
  auto candidates = best_candidates(measured, space, budget, std::max<std::size_t>(count, 1));
  if (candidates.empty())
    throw input_error(found.file.string() +
                      " holds no measured configuration within the budget; continue the search with --resume, or ask " +
                      "for more");
  if (count == 0) return candidates;
  std::vector<evaluation> uniform;
  for (auto const& e : measured)
    if (e.phase == phase::uniform) uniform.push_back(e);
  for (auto& point : best_candidates(uniform, space, budget, uniform.size())) {
    auto const same = [&](front_point const& other) { return other.configuration == point.configuration; };
    if (std::none_of(candidates.begin(), candidates.end(), same)) candidates.push_back(std::move(point));
  }
  return candidates;
}

nlohmann::ordered_json provenance(finished_search const& found, front_point const& point,
                                  deploy_options const& options) {
  auto const& settings = found.archive.settings();
  nlohmann::ordered_json json;
  for (char const* key : {"model", "model_sha256", "tokens", "tokens_sha256", "sequences", "length", "loss", "proxy",
                          "seed", "preset", "version"})
    json[key] = setting(settings, key, found.file);
  json["evaluations"] = found.archive.evaluations().size();
  json["search_loss"] = point.loss;
  if (options.at_most_bits) json["at_most_bits"] = *options.at_most_bits;
  if (options.at_most_bytes) json["at_most_bytes"] = *options.at_most_bytes;
  if (options.at_least_tokens_per_second) json["at_least_tokens_per_second"] = *options.at_least_tokens_per_second;
  if (options.at_most_gib) {
    json["at_most_gib"] = *options.at_most_gib;
    json["context"] = options.context;
  }
  return json;
}

/// Candidates, what they promised and what they gave.
struct verification {
  std::vector<verified_candidate> candidates;
  std::size_t chosen = 0;
  std::string loss;
};

nlohmann::ordered_json describe(verification const& done) {
  nlohmann::ordered_json json;
  auto const tau = rank_correlation(done.candidates, done.loss);
  json["rank_correlation"] = tau ? nlohmann::ordered_json(*tau) : nlohmann::ordered_json(nullptr);
  json["chosen"] = done.chosen;
  json["candidates"] = nlohmann::ordered_json::array();
  for (auto const& each : done.candidates) {
    nlohmann::ordered_json one{{"average_bits", each.point.average_bits},
                               {"model_bytes", each.point.model_bytes},
                               {"proxy_loss", each.point.loss},
                               {"measured", to_json(each.calibration)}};
    if (each.heldout) one["measured_heldout"] = to_json(*each.heldout);
    json["candidates"].push_back(std::move(one));
  }
  return json;
}

void print(verification const& done) {
  std::printf("%12s %14s %14s %22s%s\n", "average bits", "model bytes", (done.loss + ", proxy").c_str(),
              (done.loss + ", quantized").c_str(), done.candidates.front().heldout ? "      JSD, held-out tokens" : "");
  for (std::size_t i = 0; i < done.candidates.size(); ++i) {
    auto const& each = done.candidates[i];
    double const error = done.loss == "kl" ? each.calibration.kl.standard_error : each.calibration.jsd.standard_error;
    std::printf("%12.4f %14lld %14.6f %10.6f +- %8.6f", each.point.average_bits,
                static_cast<long long>(each.point.model_bytes), each.point.loss, loss_of(each.calibration, done.loss),
                error);
    if (each.heldout) std::printf("  %11.6f +- %8.6f", each.heldout->jsd.value, each.heldout->jsd.standard_error);
    std::printf("%s\n", i == done.chosen ? "  <- kept" : "");
  }
  if (auto const tau = rank_correlation(done.candidates, done.loss))
    std::printf("Kendall tau between proxy and quantized losses: %.3f\n", *tau);
  std::printf("\n");
}

nlohmann::ordered_json describe(deployment const& made, front_point const& point, double seconds) {
  nlohmann::ordered_json json = to_json(made.calibration);
  json["average_bits"] = made.average_bits;
  json["linear_bytes"] = made.linear_bytes;
  json["model_bytes"] = made.model_bytes;
  json["weight_bytes"] = made.weight_bytes;
  json["file_bytes"] = made.file_bytes;
  json["search_loss"] = point.loss;
  json["seconds"] = seconds;
  json["notes"] = made.notes;
  if (made.heldout) json["heldout"] = to_json(*made.heldout);
  return json;
}

void print(deployment const& made, front_point const& point, deploy_options const& options, std::string const& loss) {
  if (made.weight_bytes == 0)
    std::printf("%s: %.4f average bits; a table for another program, no weights\n", options.out.c_str(),
                made.average_bits);
  else if (options.format == "hf")
    std::printf("%s: %.4f average bits, %lld bytes as a packed model (%lld bytes of dequantized files)\n",
                options.out.c_str(), made.average_bits, static_cast<long long>(made.model_bytes),
                static_cast<long long>(made.file_bytes));
  else
    std::printf("%s: %.4f average bits, %lld bytes predicted for %s, %lld written (%lld with the files' headers)\n",
                options.out.c_str(), made.average_bits, static_cast<long long>(made.model_bytes),
                options.format.c_str(), static_cast<long long>(made.weight_bytes),
                static_cast<long long>(made.file_bytes));
  std::printf("%s while searching %.6f\n\n%-22s %24s%s\n", loss.c_str(), point.loss, "measured again",
              "the search's tokens", made.heldout ? "         held-out tokens" : "");
  auto const line = [&](char const* name, estimate quality::*figure) {
    std::printf("%-22s %12.6f +- %8.6f", name, (made.calibration.*figure).value,
                (made.calibration.*figure).standard_error);
    if (made.heldout)
      std::printf(" %12.6f +- %8.6f", ((*made.heldout).*figure).value, ((*made.heldout).*figure).standard_error);
    std::printf("\n");
  };
  line("JSD", &quality::jsd);
  line("KL", &quality::kl);
  line("KL, 99th percentile", &quality::kl_p99);
  line("top-1 agreement", &quality::top1);
  line("perplexity", &quality::perplexity);
  line("reference perplexity", &quality::reference_perplexity);
}

/// Sizes count as the format to be written counts them; dequantized files keep the search's.
format_space priced(finished_search const& found, exporter<llama> const& files) {
  if (!files.files || files.files->name == found.space.target()->name) return found.space;
  return found.space.priced_as(*files.files, other_bytes(found.model, *files.files));
}

verification verify(finished_search const& found, format_space const& space, std::span<front_point const> candidates,
                    std::string const& quantizer, exporter<llama> const& files, token_sequences const* heldout,
                    deploy_options const& options, interruptible_executor& executor) {
  verification done;
  done.loss = setting(found.archive.settings(), "loss", found.file);
  auto const scratch = options.search / ("verify-" + std::to_string(::getpid()) + ".packed");
  auto const quantize = [&](quantized_sink& sink, std::span<format const> formats) {
    quantize_into(sink, found.model, formats, found.tokens, quantizer, executor);
  };
  done.candidates =
      amq::verify(found.model, space, candidates, quantize, files, found.tokens, heldout, scratch, executor);
  done.chosen = best_verified(done.candidates, done.loss);
  return done;
}

/// The candidates that files of the format can hold; says how many are left out. Throws input_error as `expect_holds`
/// does when none remains, or the best does not and no other was asked for.
std::vector<front_point> holdable(std::vector<front_point> candidates, exporter<llama> const& files,
                                  std::span<linear_layer const> layers, format_space const& space, bool others_asked) {
  if (!others_asked) expect_holds(files, layers, space.formats(candidates.front().configuration));
  std::vector<front_point> held;
  std::string why;
  for (auto& candidate : candidates) try {
      expect_holds(files, layers, space.formats(candidate.configuration));
      held.push_back(std::move(candidate));
    } catch (input_error const& refusal) {
      if (why.empty()) why = refusal.what();
    }
  if (held.empty()) throw input_error(why);
  if (!why.empty())
    std::fprintf(stderr, "amq: %zu of %zu candidates are left out, for files of the format %s cannot hold them\n",
                 candidates.size() - held.size(), candidates.size(), files.name.c_str());
  return held;
}

}  // namespace

int deploy(deploy_options const& options) {
  auto const start = std::chrono::steady_clock::now();
  auto files = find_exporter<llama>(options.format, options.exact);
  if (!options.quantizer.empty()) expect_quantizer(options.quantizer);
  auto const found = open_search(options);
  auto const space = priced(found, files);
  auto const budget = budget_of(options, found.model);
  auto const measured = fast_enough(found, options);
  auto const warning = options.at_least_tokens_per_second ? "" : check_budget(space, budget);
  if (!warning.empty()) std::fprintf(stderr, "amq: %s\n", warning.c_str());
  auto const quantizer = quantizer_of(found, options);
  std::optional<token_sequences> heldout;
  if (options.heldout)
    heldout = load_checked_tokens(*options.heldout,
                                  {static_cast<int>(found.tokens.count()), static_cast<int>(found.tokens.length())},
                                  found.model);
  bool const proxy_knows = quantizer == setting(found.archive.settings(), "proxy", found.file) && !files.zeros;
  auto const count = static_cast<std::size_t>(options.verify >= 0 ? options.verify : proxy_knows ? 0 : 1);
  auto const candidates = holdable(candidates_of(found, measured, space, budget, count), files, found.model.linears(),
                                   space, options.verify > 0);
  // What cannot be put in its place is refused before the work, not after it.
  auto const existing = options.force ? existing_folder::replace : existing_folder::refuse;
  { staged_folder const place(options.out, "quantization.json", existing); }

  interruptible_executor executor(threads_to_use(options.threads));
  auto point = candidates.front();
  verification done;
  if (count > 0) {
    done = verify(found, space, candidates, quantizer, files, heldout ? &*heldout : nullptr, options, executor);
    point = candidates[done.chosen];
  }
  deployment_plan<llama> plan;
  plan.quantizer = quantizer;
  plan.quantize = [&](quantized_sink& sink) {
    quantize_into(sink, found.model, space.formats(point.configuration), found.tokens, quantizer, executor);
  };
  plan.files = files;
  if (files.name == "gguf")
    plan.files =
        with_gguf_companions(files, found.tokens, setting(found.archive.settings(), "tokens", found.file), executor);
  plan.folder = options.out;
  plan.provenance = provenance(found, point, options);
  if (count > 0) plan.provenance["verified"] = describe(done);
  plan.existing = existing;
  auto const made = amq::deploy(found.model, space, point.configuration, plan,
                                {found.tokens, heldout ? &*heldout : nullptr}, executor);
  double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (options.json) {
    auto json = describe(made, point, seconds);
    if (count > 0) json["verified"] = describe(done);
    std::printf("%s\n", json.dump().c_str());
  } else {
    if (count > 0) print(done);
    print(made, point, options, setting(found.archive.settings(), "loss", found.file));
  }
  for (auto const& note : made.notes) std::fprintf(stderr, "amq: %s\n", note.c_str());
  return exit_done;
}

}  // namespace amq::cli
