// How llama.cpp calls the tensors of a Llama-like model, and in which order it wants their rows.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "amq/core/error.hpp"
#include "amq/core/layer_name.hpp"
#include "amq/core/matrix.hpp"
#include "amq/model/config.hpp"

namespace amq::detail {

/// `model.layers.3.mlp.up_proj.weight` -> `blk.3.ffn_up.weight`. Throws input_error for a tensor that is none of a
/// Llama's. Without a head of its own, a model's embeddings may go by the head's name: `tied` gives them theirs.
inline std::string gguf_name(std::string const& tensor, bool tied) {
  using names = std::pair<std::string_view, std::string_view>;
  constexpr std::array<names, 3> outside{
      {{"model.embed_tokens.", "token_embd."}, {"model.norm.", "output_norm."}, {"lm_head.", "output."}}};
  constexpr std::array<names, 11> inside{{{"self_attn.q_proj.", "attn_q."},
                                          {"self_attn.k_proj.", "attn_k."},
                                          {"self_attn.v_proj.", "attn_v."},
                                          {"self_attn.o_proj.", "attn_output."},
                                          {"self_attn.q_norm.", "attn_q_norm."},
                                          {"self_attn.k_norm.", "attn_k_norm."},
                                          {"mlp.gate_proj.", "ffn_gate."},
                                          {"mlp.up_proj.", "ffn_up."},
                                          {"mlp.down_proj.", "ffn_down."},
                                          {"input_layernorm.", "attn_norm."},
                                          {"post_attention_layernorm.", "ffn_norm."}}};
  if (tied && tensor.starts_with("lm_head.")) return "token_embd.weight";
  for (auto const& [ours, theirs] : outside)
    if (tensor.starts_with(ours)) return std::string(theirs) + tensor.substr(ours.size());
  if (auto const parsed = parse_layer_name(tensor))
    for (auto const& [ours, theirs] : inside)
      if (parsed->matrix.starts_with(ours))
        return "blk." + std::to_string(parsed->block) + "." + std::string(theirs) +
               std::string(parsed->matrix.substr(ours.size()));
  throw input_error("the tensor " + tensor + " has no name in GGUF; expected those of Llama, Mistral, Qwen 2 and 3");
}

/// The architecture's name there: Mistral is a Llama.
inline std::string gguf_architecture(model_config const& config) {
  return config.architecture == architecture::mistral ? "llama" : to_string(config.architecture);
}

/// Heads whose rows are reordered in this tensor; 0 where rows stay. llama.cpp rotates neighbours in a Llama's heads
/// (elements 2 i and 2 i + 1), where the checkpoint has halves (i and i + head_size / 2); in Qwen it rotates halves.
inline index gguf_reordered_heads(std::string const& tensor, model_config const& config) {
  auto const parsed = parse_layer_name(tensor);
  if (gguf_architecture(config) != "llama" || !parsed) return 0;
  if (parsed->matrix.starts_with("self_attn.q_proj.")) return config.shape(parsed->block).heads;
  if (parsed->matrix.starts_with("self_attn.k_proj.")) return config.shape(parsed->block).key_value_heads;
  return 0;
}

/// The row of the checkpoint that becomes `row` of the file, `heads` heads (0: none are reordered) sharing `rows`.
inline index gguf_source_row(index row, index rows, index heads) {
  if (heads == 0) return row;
  index const size = rows / heads;
  index const head = row / size;
  index const within = row % size;
  return head * size + within % 2 * (size / 2) + within / 2;
}

}  // namespace amq::detail
