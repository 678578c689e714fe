// A quantizer of your own: one matrix in, packed codes out; it fills the search's bank and deploys, like the others.
#include <amq/amq.hpp>
#include <cmath>
#include <cstdio>

/// Round to nearest in a range that is clipped to where the group's squared error is least.
class clipped {
 public:
  using policy_category = amq::quantizer_category;

  amq::packed_matrix quantize(amq::matrix_view<float const> all, amq::format f, amq::layer_statistics const&) const {
    amq::check_format(f, all.cols);
    amq::affine_codes codes(f, all.rows, all.cols);
    auto const size = f.group_size(all.cols);
    for (amq::index row = 0; row < all.rows; ++row)
      for (amq::index group = 0; group < codes.scales.cols(); ++group) {
        std::span const values(&all(row, group * size), static_cast<std::size_t>(size));
        auto const [low, high] = std::ranges::minmax(values);
        double least = HUGE_VAL;
        for (float part = 1.0f; part > 0.5f; part -= 0.05f) {
          float const scale = std::max(part * (high - low), 1e-5f) / static_cast<float>((1 << f.bits) - 1);
          float const zero = std::nearbyint(-part * low / scale);
          double error = 0;
          for (float const w : values) error += std::pow(w - (code(w, scale, zero, f) - zero) * scale, 2);
          if (error >= least) continue;
          least = error;
          codes.scales(row, group) = scale;
          codes.zeros(row, group) = zero;
          std::ranges::transform(values, &codes.codes(row, group * size),
                                 [&](float w) { return static_cast<std::uint8_t>(code(w, scale, zero, f)); });
        }
      }
    return codes.pack(f);
  }
  std::string name() const { return "clipped"; }

 private:
  static float code(float weight, float scale, float zero, amq::format f) {
    return std::clamp(std::nearbyint(weight / scale + zero), 0.0f, static_cast<float>((1 << f.bits) - 1));
  }
};

int main(int argc, char** argv) {
  std::string const folder = argc > 1 ? argv[1] : "examples/models/tiny";
  auto const model = amq::llama::load(folder);
  auto const tokens = amq::load_tokens(folder + "/calibration.npy", {.sequences = 2, .sequence_length = 128});
  amq::format_space const space({model.linears().begin(), model.linears().end()}, std::vector<amq::format>{{2, 128}},
                                0);
  amq::serial_executor executor;
  auto const loss_at_2_bits = [&](auto const& quantizer) {
    amq::proxy_evaluator evaluator(model, tokens, space, quantizer, amq::jsd{}, executor);
    std::vector<amq::measurement> out(1);
    evaluator.evaluate(std::vector<amq::configuration>{space.lowest()}, out);
    return out[0].loss;
  };
  double const own = loss_at_2_bits(clipped{}), rtn = loss_at_2_bits(amq::rtn{});
  std::printf("2 bits: clipped %.5f, rtn %.5f\n", own, rtn);
  return own < rtn ? 0 : 1;
}
