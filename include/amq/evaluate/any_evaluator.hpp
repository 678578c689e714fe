// An evaluator of any type behind one type: for run-time choices and for code compiled by another compiler.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/evaluator.hpp"
#include "amq/core/error.hpp"

namespace amq {

/// Owns an evaluator. Hands measurements over one by one where the owned one does, after the whole batch elsewhere.
class any_evaluator {
 public:
  using sink = std::function<bool(std::size_t, measurement&&)>;

  template <class E>
    requires evaluator<E>
  explicit any_evaluator(std::unique_ptr<E> owned) : self_(std::make_unique<holder<E>>(std::move(owned))) {}

  void evaluate(std::span<configuration const> batch, std::span<measurement> out) { self_->evaluate(batch, out); }
  void evaluate_each(std::span<configuration const> batch, sink const& each) { self_->evaluate_each(batch, each); }

  /// Whether the owned one measures on a part of the tokens.
  bool measures_parts() const { return self_->measures_parts(); }
  /// Its calibration sequences, of which parts are whole numbers; 0 where it does not say.
  index sequences() const { return self_->sequences(); }
  /// Throws precondition_error where it does not measure parts.
  void evaluate_part(std::span<configuration const> batch, double fidelity, std::span<measurement> out) {
    self_->evaluate_part(batch, fidelity, out);
  }

 private:
  struct erased {
    virtual ~erased() = default;
    virtual void evaluate(std::span<configuration const> batch, std::span<measurement> out) = 0;
    virtual void evaluate_each(std::span<configuration const> batch, sink const& each) = 0;
    virtual bool measures_parts() const = 0;
    virtual index sequences() const = 0;
    virtual void evaluate_part(std::span<configuration const> batch, double fidelity, std::span<measurement> out) = 0;
  };

  template <class E>
  struct holder final : erased {
    explicit holder(std::unique_ptr<E> owned) : evaluator_(std::move(owned)) {}
    void evaluate(std::span<configuration const> batch, std::span<measurement> out) override {
      evaluator_->evaluate(batch, out);
    }
    void evaluate_each(std::span<configuration const> batch, sink const& each) override {
      if constexpr (streaming_evaluator<E>) {
        evaluator_->evaluate_each(batch, each);
      } else {
        std::vector<measurement> measured(batch.size());
        evaluator_->evaluate(batch, measured);
        for (std::size_t i = 0; i < batch.size(); ++i)
          if (!each(i, std::move(measured[i]))) return;
      }
    }
    bool measures_parts() const override {
      if constexpr (requires { evaluator_->measures_parts(); })
        return evaluator_->measures_parts();
      else
        return partial_evaluator<E>;
    }
    index sequences() const override {
      if constexpr (requires { evaluator_->sequences(); })
        return evaluator_->sequences();
      else
        return 0;
    }
    void evaluate_part(std::span<configuration const> batch, double fidelity, std::span<measurement> out) override {
      if constexpr (partial_evaluator<E>)
        evaluator_->evaluate_part(batch, fidelity, out);
      else
        throw precondition_error(
            "this evaluator has no evaluate_part(batch, fidelity, out), so it cannot measure on a part of the tokens; "
            "choose a strategy without staged evaluation");
    }
    std::unique_ptr<E> evaluator_;
  };

  std::unique_ptr<erased> self_;
};

}  // namespace amq
