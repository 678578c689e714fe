#include "kernel/ggml_pool.hpp"

#if AMQ_BENCH_GGML
#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>

#include <stdexcept>
#include <vector>

#include "kernel/packed_pool.hpp"

namespace amq::bench {

namespace {

ggml_type type_of(std::string const& name) {
  for (int i = 0; i < GGML_TYPE_COUNT; ++i) {
    auto const type = static_cast<ggml_type>(i);
    if (char const* const found = ggml_type_name(type); found != nullptr && name == found) return type;
  }
  throw std::runtime_error("ggml has no type '" + name + "'");
}

struct free_context {
  void operator()(ggml_context* p) const { ggml_free(p); }
};
struct free_buffer {
  void operator()(ggml_backend_buffer* p) const { ggml_backend_buffer_free(p); }
};
struct free_backend {
  void operator()(ggml_backend* p) const { ggml_backend_free(p); }
};
using owned_context = std::unique_ptr<ggml_context, free_context>;
using owned_buffer = std::unique_ptr<ggml_backend_buffer, free_buffer>;

constexpr std::size_t graph_nodes = 8;  // of which a product is one

owned_context new_context(index tensors) {
  return owned_context(
      ggml_init({ggml_tensor_overhead() * static_cast<std::size_t>(tensors) + ggml_graph_overhead(), nullptr, true}));
}

/// The first of the processor's buffer types with kernels for `product`, whose weights are `w`.
ggml_backend_buffer_type_t fastest_buffer(ggml_tensor* w, ggml_tensor* product) {
  auto* const device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  auto const extra_types = reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(
      ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(device), "ggml_backend_dev_get_extra_bufts"));
  for (auto* type = extra_types(device); type != nullptr && *type != nullptr; ++type) {
    owned_buffer const empty(ggml_backend_buft_alloc_buffer(*type, 0));
    w->buffer = empty.get();
    bool const takes = ggml_backend_dev_supports_op(device, product);
    w->buffer = nullptr;
    if (takes) return *type;
  }
  return ggml_backend_cpu_buffer_type();
}

/// Rows of random numbers in that type: 64 of them, over and over, for quantizing takes long.
std::vector<std::uint8_t> quantized_rows(ggml_type type, index rows, index cols) {
  index const some = std::min<index>(64, rows);
  auto const values = wave(some, cols);
  std::size_t const row_bytes = ggml_row_size(type, cols);
  std::vector<std::uint8_t> data(row_bytes * static_cast<std::size_t>(rows));
  ggml_quantize_chunk(type, values.data(), data.data(), 0, some, cols, nullptr);
  for (index row = some; row < rows; ++row)
    std::memcpy(data.data() + static_cast<std::size_t>(row) * row_bytes,
                data.data() + static_cast<std::size_t>(row % some) * row_bytes, row_bytes);
  return data;
}

}  // namespace

struct ggml_pool::state {
  owned_context weights;
  owned_context results;
  owned_buffer weights_memory;
  owned_buffer results_memory;
  std::unique_ptr<ggml_backend, free_backend> backend;
  std::vector<ggml_cgraph*> graphs;
};

ggml_pool::ggml_pool(std::string const& name, index rows, matrix_view<float const> x, index count, int threads)
    : state_(new state{new_context(count), new_context(count + 1), nullptr, nullptr, nullptr, {}}) {
  ggml_log_set([](ggml_log_level, char const*, void*) {}, nullptr);  // it tells of every tensor that it lays out
  ggml_type const type = type_of(name);
  auto* const input = ggml_new_tensor_2d(state_->results.get(), GGML_TYPE_F32, x.cols, x.rows);
  std::vector<ggml_tensor*> weights, products;
  for (index i = 0; i < count; ++i) {
    weights.push_back(ggml_new_tensor_2d(state_->weights.get(), type, x.cols, rows));
    products.push_back(ggml_mul_mat(state_->results.get(), weights.back(), input));
    state_->graphs.push_back(ggml_new_graph_custom(state_->results.get(), graph_nodes, false));
    ggml_build_forward_expand(state_->graphs.back(), products.back());
  }
  state_->weights_memory.reset(
      ggml_backend_alloc_ctx_tensors_from_buft(state_->weights.get(), fastest_buffer(weights[0], products[0])));
  state_->results_memory.reset(
      ggml_backend_alloc_ctx_tensors_from_buft(state_->results.get(), ggml_backend_cpu_buffer_type()));
  auto const data = quantized_rows(type, rows, x.cols);
  for (auto* const w : weights) ggml_backend_tensor_set(w, data.data(), 0, data.size());
  ggml_backend_tensor_set(input, x.data, 0, sizeof(float) * static_cast<std::size_t>(x.size()));
  state_->backend.reset(ggml_backend_cpu_init());
  ggml_backend_cpu_set_n_threads(state_->backend.get(), threads);
}

ggml_pool::~ggml_pool() = default;

void ggml_pool::run(index i) {
  ggml_backend_graph_compute(state_->backend.get(), state_->graphs[static_cast<std::size_t>(i)]);
}

index ggml_bytes(std::string const& type, index rows, index cols) {
  return rows * static_cast<index>(ggml_row_size(type_of(type), cols));
}

}  // namespace amq::bench
#endif
