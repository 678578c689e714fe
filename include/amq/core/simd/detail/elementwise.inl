// Bodies of elementwise.hpp.

/// out[i] = operation(rows[i]...); out may be one of the rows.
template <class Operation, class... Rows>
AMQ_SIMD_INLINE void map_rows(Operation operation, float* out, index n, Rows const*... rows) {
  index i = 0;
  for (; i + f32::width <= n; i += f32::width) operation(f32::load(rows + i)...).store(out + i);
  if (i < n) store_some(operation(load_some(rows + i, lanes(n - i))...), out + i, lanes(n - i));
}

struct exp_operation {
  AMQ_SIMD_INLINE f32 operator()(f32 x) const { return exp(x); }
};
struct log_operation {
  AMQ_SIMD_INLINE f32 operator()(f32 x) const { return log(x); }
};
struct sigmoid_operation {
  AMQ_SIMD_INLINE f32 operator()(f32 x) const { return sigmoid(x); }
};
struct pow_operation {
  float power;
  AMQ_SIMD_INLINE f32 operator()(f32 x) const { return pow(x, power); }
};

struct silu_multiply_operation {
  AMQ_SIMD_INLINE f32 operator()(f32 gate, f32 up) const { return silu(gate) * up; }
};
struct add_operation {
  AMQ_SIMD_INLINE f32 operator()(f32 y, f32 x) const { return y + x; }
};
struct multiply_operation {
  f32 factor;
  AMQ_SIMD_INLINE f32 operator()(f32 x) const { return x * factor; }
};
struct scale_operation {
  f32 factor;
  AMQ_SIMD_INLINE f32 operator()(f32 x, f32 weight) const { return weight * (x * factor); }
};

inline void exp_row(float const* x, float* out, index n) { map_rows(exp_operation{}, out, n, x); }
inline void log_row(float const* x, float* out, index n) { map_rows(log_operation{}, out, n, x); }
inline void sigmoid_row(float const* x, float* out, index n) { map_rows(sigmoid_operation{}, out, n, x); }
inline void pow_row(float const* x, float power, float* out, index n) { map_rows(pow_operation{power}, out, n, x); }
inline void silu_multiply(float const* gate, float const* up, float* out, index n) {
  map_rows(silu_multiply_operation{}, out, n, gate, up);
}
inline void add(float const* x, float* y, index n) { map_rows(add_operation{}, y, n, y, x); }

inline void rms_norm(float const* x, float const* weight, float epsilon, float* out, index n) {
  f32 squares = f32::zero();
  for (index i = 0; i < n; i += f32::width) {
    f32 const v = load_some(x + i, lanes(n - i));
    squares = fma(v, v, squares);
  }
  float const mean = reduce_add(squares) / static_cast<float>(n);
  map_rows(scale_operation{f32::broadcast(1 / std::sqrt(mean + epsilon))}, out, n, x, weight);
}

inline void rotate_halves(float* head, float const* cosines, float const* sines, index head_dim) {
  index const half = head_dim / 2;
  for (index i = 0; i < half; i += f32::width) {
    int const count = lanes(half - i);
    f32 const a = load_some(head + i, count), b = load_some(head + half + i, count);
    f32 const cosine = load_some(cosines + i, count), sine = load_some(sines + i, count);
    store_some(fnma(b, sine, a * cosine), head + i, count);
    store_some(fma(a, sine, b * cosine), head + half + i, count);
  }
}
