// Debian puts all headers in one include path, so the linker cannot keep the rooms apart: this
// reads the #includes of every source and holds them against the rules of architecture.md.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace emotiond {
namespace {

namespace fs = std::filesystem;

using Names = std::vector<std::string_view>;

/// What a room may include beside the standard library: the beginnings of the names. All else,
/// the headers of POSIX among it, is the daemon's.
struct Room {
    std::string_view name;
    Names may_include;
    std::size_t least_files;  ///< fewer, and this test has looked in the wrong place
};

const std::vector<Room> kRooms{
    {"dsp", {"dsp/", "fftw3.h", "soxr.h"}, 20},
    {"model", {"model/", "dsp/", "torch/", "ATen/", "sndfile.h", "nlohmann/", "openssl/"}, 15},
    {"protocol", {"protocol/", "nlohmann/", "boost/", "openssl/"}, 15},
    {"daemon", {""}, 20},
};

/// Headers that only these files may include. Of several that a header begins with the first
/// counts.
struct Reserved {
    std::string_view header;  ///< the beginning of its name
    std::string_view reason;
    Names files;
};

const Names kTorchFiles{"model/classifier.cpp",       "model/network.cpp",
                        "model/network.hpp",          "model/network_kinds.cpp",
                        "model/training/trainer.cpp", "model/training/voice_trainer.cpp"};

const std::vector<Reserved> kReserved{
    {"portaudio.h", "PortAudio appears in one file", {"daemon/portaudio_capture.cpp"}},
    {"systemd/",
     "the service manager is spoken to in three files",
     {"daemon/inherited_sockets.cpp", "daemon/log.cpp", "daemon/service_notification.cpp"}},
    {"pa_linux_alsa.h", "PortAudio appears in one file", {"daemon/portaudio_capture.cpp"}},
    {"SQLiteCpp/", "the database is the history's alone", {"daemon/history.cpp"}},
    {"sqlite3.h", "the database is the history's alone", {"daemon/history.cpp"}},
    {"prometheus/", "Prometheus appears in one file", {"daemon/metrics.cpp"}},
    {"torch/", "libtorch costs 1 GB and 10 s in every file that sees it", kTorchFiles},
    // The C++ interface has no header of its own for mixed precision.
    {"ATen/autocast_mode.h", "the trainer alone mixes precisions", {"model/training/trainer.cpp"}},
    {"ATen/", "libtorch is included by torch/", {}},
    {"c10/", "libtorch is included by torch/", {}},
    {"model/network.hpp", "it includes libtorch", kTorchFiles},
};

/// Of the standard library, what has no place in dsp: no threads, no I/O.
const Names kNotInDsp{"thread",     "future",  "stop_token", "condition_variable",
                      "filesystem", "fstream", "iostream",   "cstdio",
                      "print"};

bool contains(const Names& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

bool begins_with_one_of(const Names& beginnings, std::string_view name) {
    return std::ranges::any_of(beginnings,
                               [&](std::string_view begin) { return name.starts_with(begin); });
}

bool is_standard(std::string_view header) {
    return header.find_first_of("./") == std::string_view::npos;
}

std::vector<std::string> included_by(const std::string& text) {
    static const std::regex kInclude(R"(^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"])",
                                     std::regex::multiline);
    std::vector<std::string> headers;
    for (auto match = std::sregex_iterator(text.begin(), text.end(), kInclude);
         match != std::sregex_iterator(); ++match) {
        headers.push_back((*match)[1]);
    }
    return headers;
}

bool may_include(const Room& room, std::string_view header) {
    if (is_standard(header)) {
        return room.name != "dsp" || !contains(kNotInDsp, header);
    }
    return begins_with_one_of(room.may_include, header);
}

/// One line for each include of the file that goes the wrong way.
/// file: relative to the root, for example "dsp/mfcc_frame.cpp".
std::string complaints(const std::string& file, const std::string& text) {
    const auto room = std::ranges::find_if(
        kRooms, [&](const Room& one) { return file.starts_with(std::string(one.name) + "/"); });
    std::string result;
    for (const std::string& header : included_by(text)) {
        if (room != kRooms.end() && !may_include(*room, header)) {
            result += file + " includes " + header + ": " + std::string(room->name) + " may not\n";
        }
        const auto reserved = std::ranges::find_if(
            kReserved, [&](const Reserved& one) { return header.starts_with(one.header); });
        // Tests look behind the curtain, but they do not capture sound.
        if (reserved != kReserved.end() &&
            (room != kRooms.end() || reserved->header == "portaudio.h") &&
            !contains(reserved->files, file)) {
            result += file + " includes " + header + ": " + std::string(reserved->reason) + "\n";
        }
    }
    return result;
}

/// file: relative to the root.
std::string text_of(const fs::path& file) {
    std::ifstream in(fs::path(EMOTIOND_SOURCE_DIR) / file);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Path relative to the root -> text, of all sources below the folder.
std::map<std::string, std::string> sources_in(std::string_view folder) {
    const fs::path root = EMOTIOND_SOURCE_DIR;
    std::map<std::string, std::string> sources;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
        if (entry.path().extension() == ".hpp" || entry.path().extension() == ".cpp") {
            const fs::path file = entry.path().lexically_relative(root);
            sources[file.string()] = text_of(file);
        }
    }
    return sources;
}

TEST(Layering, EveryIncludeGoesTheRightWay) {
    std::string found;
    for (const std::string_view folder : {"dsp", "model", "protocol", "daemon", "bench", "tests"}) {
        for (const auto& [file, text] : sources_in(folder)) {
            found += complaints(file, text);
        }
    }
    EXPECT_EQ(found, "");
}

TEST(Layering, SeesTheSourcesOfEveryRoom) {
    for (const Room& room : kRooms) {
        std::size_t num_includes = 0;
        const auto sources = sources_in(room.name);
        for (const auto& [file, text] : sources) {
            num_includes += included_by(text).size();
        }
        EXPECT_GE(sources.size(), room.least_files) << room.name;
        EXPECT_GE(num_includes, sources.size()) << room.name;
    }
}

TEST(Layering, NoFileHasAnExceptionThatItDoesNotNeed) {
    const auto is_reserved = [](const std::string& header) {
        return std::ranges::any_of(kReserved, [&](const Reserved& reserved) {
            return header.starts_with(reserved.header);
        });
    };
    for (const Reserved& reserved : kReserved) {
        for (const std::string_view file : reserved.files) {
            EXPECT_TRUE(std::ranges::any_of(included_by(text_of(file)), is_reserved)) << file;
        }
    }
}

TEST(Layering, FindsWhatGoesTheWrongWay) {
    const std::pair<const char*, const char*> wrong[]{
        {"dsp/any.cpp", "#include <torch/torch.h>"},
        {"dsp/any.hpp", "#include \"model/bundle.hpp\""},
        {"dsp/any.cpp", "#include <boost/asio.hpp>"},
        {"dsp/any.cpp", "#include <thread>"},
        {"dsp/any.cpp", "#include <sndfile.h>"},
        {"model/any.cpp", "#include \"protocol/events.hpp\""},
        {"model/any.cpp", "#include <boost/asio.hpp>"},
        {"model/any.cpp", "#include <fftw3.h>"},
        {"model/any.cpp", "#include <unistd.h>"},
        {"model/bundle.cpp", "#include <torch/torch.h>"},
        {"model/timeline.hpp", "#include \"model/network.hpp\""},
        {"model/classifier.cpp", "#include <ATen/ATen.h>"},
        {"model/classifier.cpp", "#include <ATen/autocast_mode.h>"},
        {"model/training/trainer.cpp", "#include <ATen/ATen.h>"},
        {"model/training/sampler.cpp", "#include <torch/torch.h>"},
        {"model/classifier.hpp", "  #  include <torch/torch.h>"},
        {"protocol/any.hpp", "#include \"dsp/sample_ring.hpp\""},
        {"protocol/any.cpp", "#include \"daemon/config.hpp\""},
        {"protocol/any.cpp", "#include \"endpoint.hpp\""},
        {"protocol/any.cpp", "#include <sys/socket.h>"},
        {"daemon/service.cpp", "#include <portaudio.h>"},
        {"daemon/inference.cpp", "#include <torch/torch.h>"},
        {"daemon/service.cpp", "#include <SQLiteCpp/SQLiteCpp.h>"},
        {"daemon/service.cpp", "#include <systemd/sd-daemon.h>"},
        {"tests/daemon/any.cpp", "#include <portaudio.h>"},
    };
    for (const auto& [file, line] : wrong) {
        EXPECT_NE(complaints(file, std::string("#pragma once\n\n") + line + "\n"), "")
            << file << ": " << line;
    }
}

TEST(Layering, LetsTheRestPass) {
    const std::pair<const char*, const char*> right[]{
        {"dsp/any.cpp", "#include <algorithm>\n#include <fftw3.h>\n#include \"dsp/any.hpp\""},
        {"model/any.cpp", "#include <sndfile.h>\n#include \"dsp/any.hpp\""},
        {"model/classifier.cpp", "#include <torch/torch.h>"},
        {"model/training/trainer.cpp", "#include <ATen/autocast_mode.h>"},
        {"protocol/any.cpp", "#include <boost/asio.hpp>\n#include <nlohmann/json.hpp>"},
        {"daemon/any.cpp", "#include <unistd.h>\n#include \"protocol/any.hpp\""},
        {"daemon/portaudio_capture.cpp", "#include <portaudio.h>"},
        {"dsp/any.cpp", "// #include <torch/torch.h>"},
    };
    for (const auto& [file, text] : right) {
        EXPECT_EQ(complaints(file, text), "");
    }
}

}  // namespace
}  // namespace emotiond
