// The front as an SVG, drawn by gnuplot where that is installed.
#pragma once

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace amq::cli {

struct picture_point {
  double x;
  double loss;
  double color = 0;  ///< of the front's points, where the picture names what it is
};

struct picture {
  std::string title;
  std::string loss_name;
  std::vector<picture_point> measured;
  std::vector<picture_point> front;
  std::vector<picture_point> uniform;
  std::string x_name = "average bits a weight (scales and zeros included)";
  std::string color_name = {};  ///< empty: the front is a line of one colour

  /// Whether losses rise along the axis, so that the key has room on the left.
  bool rises() const {
    auto const less = [](picture_point const& a, picture_point const& b) { return a.x < b.x; };
    if (front.size() < 2) return false;
    return std::min_element(front.begin(), front.end(), less)->loss <
           std::max_element(front.begin(), front.end(), less)->loss;
  }
};

/// Writes `path`; false when gnuplot is missing or fails (then nothing is left behind).
inline bool draw(picture const& drawn, std::filesystem::path const& path) {
  auto const quoted = [](std::string const& text) {
    std::string inside;
    for (char const c : text) inside += c == '\'' ? std::string("''") : std::string(1, c);
    return "'" + inside + "'";
  };
  std::filesystem::path const unfinished = path.string() + ".tmp";
  std::FILE* gnuplot = ::popen("gnuplot >/dev/null 2>&1", "w");
  if (gnuplot == nullptr) return false;
  auto const block = [&](char const* name, std::vector<picture_point> const& points) {
    std::fprintf(gnuplot, "$%s << END\n", name);
    for (auto const& point : points)
      if (point.loss > 0) std::fprintf(gnuplot, "%.9g %.9g %.9g\n", point.x, point.loss, point.color);
    std::fputs("END\n", gnuplot);
  };
  block("measured", drawn.measured);
  block("front", drawn.front);
  block("uniform", drawn.uniform);
  std::string const front_style = drawn.color_name.empty() ? "with linespoints pt 7 ps 0.35 lw 2 lc rgb '#1f5fa8'"
                                                           : "using 1:2:3 with points pt 7 ps 0.6 lc palette";
  std::fprintf(gnuplot,
               "set terminal svg size 820,520 dynamic background rgb 'white' font 'Helvetica,14'\n"
               "set output %s\n"
               "set title %s noenhanced\n"
               "set xlabel %s noenhanced\n"
               "set ylabel %s noenhanced\n"
               "set logscale y\nset format y '%%.2g'\nset grid lc rgb '#dddddd'\nset key top %s\n"
               "set cblabel %s noenhanced\nset palette defined (0 '#c8442b', 1 '#e0b040', 2 '#1f5fa8')\n"
               "plot $measured with points pt 7 ps 0.25 lc rgb '#b8c4d6' title 'measured', "
               "$front %s title 'Pareto front', "
               "$uniform with points pt 5 ps 1.1 lc rgb '#c8442b' title 'uniform'\n",
               quoted(unfinished.string()).c_str(), quoted(drawn.title).c_str(), quoted(drawn.x_name).c_str(),
               quoted(drawn.loss_name + ", nats a position").c_str(), drawn.rises() ? "left" : "right",
               quoted(drawn.color_name).c_str(), front_style.c_str());
  bool const drew = ::pclose(gnuplot) == 0 && std::filesystem::exists(unfinished);
  std::error_code ignored;
  if (!drew) {
    std::filesystem::remove(unfinished, ignored);
    return false;
  }
  std::filesystem::rename(unfinished, path, ignored);
  return !ignored;
}

}  // namespace amq::cli
