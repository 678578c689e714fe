// One picture at a time, drawn by gnuplot where that is installed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace amq::cli {

/// As gnuplot takes text.
inline std::string quoted(std::string const& text) {
  std::string inside;
  for (char const c : text) inside += c == '\'' ? std::string("''") : std::string(1, c);
  return "'" + inside + "'";
}

/// Colours that stay apart in print and for colour-blind readers (Okabe and Ito), quoted.
inline std::string series_color(std::size_t i) {
  constexpr std::array<char const*, 8> colors{"'#0072b2'", "'#d55e00'", "'#009e73'", "'#cc79a7'",
                                              "'#e69f00'", "'#56b4e9'", "'#7f7f7f'", "'#000000'"};
  return colors[i % colors.size()];
}

/// Writes `path` once everything is drawn; without finish(), or where gnuplot fails, nothing is left behind.
class gnuplot {
 public:
  gnuplot(std::filesystem::path path, int width, int height)
      : path_(std::move(path)), unfinished_(path_.string() + ".tmp"), pipe_(::popen("gnuplot >/dev/null 2>&1", "w")) {
    line("set terminal svg size " + std::to_string(width) + "," + std::to_string(height) +
         " dynamic background rgb 'white' font 'Helvetica,13'");
    line("set output " + quoted(unfinished_.string()));
    line("set grid lc rgb '#dddddd'");
  }
  gnuplot(gnuplot const&) = delete;
  gnuplot& operator=(gnuplot const&) = delete;
  ~gnuplot() {
    if (pipe_ != nullptr) ::pclose(pipe_);
    std::error_code ignored;
    std::filesystem::remove(unfinished_, ignored);
  }

  void line(std::string const& command) {
    if (pipe_ != nullptr) std::fprintf(pipe_, "%s\n", command.c_str());
  }

  /// Rows of numbers under a new name, which is returned.
  std::string block(std::string const& rows) {
    std::string const name = "$data" + std::to_string(++blocks_);
    line(name + " << END\n" + rows + "END");
    return name;
  }

  bool finish() {
    if (pipe_ == nullptr) return false;
    line("unset multiplot\nunset output");
    bool const drew = ::pclose(std::exchange(pipe_, nullptr)) == 0 && std::filesystem::exists(unfinished_);
    std::error_code failure;
    if (drew) std::filesystem::rename(unfinished_, path_, failure);
    return drew && !failure;
  }

 private:
  std::filesystem::path path_;
  std::filesystem::path unfinished_;
  std::FILE* pipe_;
  int blocks_ = 0;
};

}  // namespace amq::cli
