#include "model/training/degradations.hpp"

namespace emotiond::model {

std::vector<std::pair<std::string, Degrade>> degradations(const AugmentationBank& bank) {
    const auto noise = [&bank](float snr_db) {
        return [&bank, snr_db](std::span<const float> samples, int, Random& random) {
            return bank.in_noise(samples, snr_db, random);
        };
    };
    return {{"noise 20 dB", noise(20.0F)},
            {"noise 10 dB", noise(10.0F)},
            {"noise 0 dB", noise(0.0F)},
            {"reverberation", [&bank](std::span<const float> samples, int,
                                      Random& random) { return bank.in_room(samples, random); }},
            {"telephone", [](std::span<const float> samples, int rate_hz, Random&) {
                 return telephone(samples, rate_hz);
             }}};
}

}  // namespace emotiond::model
