#pragma once

#include <vector>

#include "model/training/summary.hpp"

namespace emotiond::model {

/// What other systems reach, speaker-independent UA, to stand beside ours in a report.
std::vector<PublishedFigure> published_figures();

}  // namespace emotiond::model
