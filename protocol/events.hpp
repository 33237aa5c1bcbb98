#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace emotiond::protocol {

/// Integer milliseconds on a stream's sample clock: index of the captured sample / its rate.
using StreamTime = std::chrono::milliseconds;
using WallTime = std::chrono::system_clock::time_point;

enum class StreamState { Live, Silent, Lost, Paused, Ended };

/// A loaded model, as told in `hello`.
struct ModelInfo {
    std::string id;
    std::vector<std::string> labels;
    std::chrono::milliseconds window{};
    std::chrono::milliseconds hop{};
    double uncertain_below = 0.0;  ///< confidence below which an answer is marked uncertain
    bool speech_output = false;    ///< tells speech from anything else
    std::string licence;
};

/// Where the time between the last sample of a window and its event went.
struct Latency {
    std::chrono::milliseconds capture{};    ///< last sample captured -> taken from the ring
    std::chrono::milliseconds features{};   ///< -> window complete
    std::chrono::milliseconds queue{};      ///< -> forward pass begun
    std::chrono::milliseconds inference{};  ///< -> forward pass ended
    std::chrono::milliseconds total{};
};

/// How pleasant and how excited, both -1 to 1; derived from the scores.
struct Affect {
    double valence = 0.0;
    double arousal = 0.0;
};

/// What one window of one stream expresses.
struct EmotionEvent {
    StreamTime start{};
    StreamTime end{};
    std::string label;                                   ///< one of the scores', or `no_speech`
    double confidence = 0.0;                             ///< probability of the label
    std::vector<std::pair<std::string, double>> scores;  ///< in the model's label order, sums to 1
    bool uncertain = false;
    std::optional<std::uint64_t> utterance = {};  ///< that it falls into; none: into none
    std::optional<Affect> affect;  ///< none: a label has no coordinates, or there is no speech
    std::optional<double> speech;  ///< probability that it is speech; none: the model cannot tell
    double voiced = 0.0;           ///< share of the window's rows that hold speech, 0..1
    double level_dbfs = 0.0;       ///< RMS of the window; full-scale sine is -3.01
    std::string model;
    Latency latency;
};

/// Samples that were lost, or a window or an utterance that was not judged.
struct GapEvent {
    /// `ring_overflow`, `device_overflow`, `device_lost`, `overload` or `inference_failed`
    std::string reason;
    StreamTime start{};
    std::chrono::milliseconds lost{};
};

struct StreamEvent {
    StreamState state = StreamState::Live;
    std::string reason;
};

struct ErrorEvent {
    std::string code;
    std::string message;
    bool fatal = false;
    std::string request_id = {};  ///< of the command that it answers
};

/// What one utterance, from the speaker's begin to a pause, expresses as a whole.
struct UtteranceEvent {
    StreamTime start{};
    StreamTime end{};
    std::uint64_t utterance = 0;  ///< counts in the stream, from 1; its emotions carry it
    std::string label;
    double confidence = 0.0;
    std::vector<std::pair<std::string, double>> scores;  ///< in the model's label order, sums to 1
    bool uncertain = false;
    std::optional<Affect> affect = {};
    double voiced = 0.0;      ///< of its end, up to a whole window of it
    double level_dbfs = 0.0;  ///< of the same
    std::string model;
};

/// A rule of the configuration has come true, or is no longer.
struct AlertEvent {
    bool raised = true;                  ///< false: it is cleared
    std::string id;                      ///< the same of both
    std::string rule;                    ///< its name in the configuration
    StreamTime start{};                  ///< since when it holds
    std::optional<StreamTime> end = {};  ///< where it is cleared
    double value = 0.0;                  ///< what the rule looks at
    double threshold = 0.0;              ///< what the value passed
    std::string reason = {};             ///< why it is cleared: `below`, `silence`, `ended` ...
};

/// The service does less than it should, or all of it again.
struct OverloadEvent {
    int level = 0;       ///< 0: none any more; each next one does less
    std::string action;  ///< what it does about it, for programs
    std::string reason;  ///< for people
};

/// What is published. The hub adds `v`, `type`, `epoch`, `stream`, `role`, `seq` and `time`.
struct Event {
    std::string stream;  ///< empty: about the server (only for ErrorEvent and OverloadEvent)
    WallTime time{};     ///< wall time of the end of what is described
    /// In the order of EventType.
    std::variant<EmotionEvent, GapEvent, StreamEvent, ErrorEvent, UtteranceEvent, AlertEvent,
                 OverloadEvent>
        body;
};

/// A stream as `hello` tells it.
struct StreamInfo {
    std::string stream;
    std::string role = "unspecified";
    std::map<std::string, std::string> labels = {};  ///< of the configuration: queue, language ...
    bool disclosed = false;  ///< those who speak were told, says the configuration
    bool analysed = true;
    std::string reason = {};  ///< why it is not analysed; empty where it is
    StreamState state = StreamState::Silent;
    std::uint64_t oldest_seq = 0;  ///< of the replay buffer; 0: nothing published yet
    std::uint64_t newest_seq = 0;  ///< 0: nothing published yet
};

/// What one subscriber can rely on, as told in `hello`.
struct SubscriberLimits {
    std::size_t max_queue_bytes = 0;
    std::optional<std::chrono::milliseconds> idle_timeout;  ///< none: silence is never a fault
};

/// The first message of every connection.
struct Hello {
    std::string epoch;
    std::string server;  ///< name and version
    bool auth = false;   ///< a token is wanted first; then the lists are empty
    SubscriberLimits limits;
    std::optional<OverloadEvent> overload = {};  ///< that lasts; none: all is done
    std::vector<ModelInfo> models;
    std::vector<StreamInfo> streams;
};

/// Answers a subscribe: what follows belongs to it.
struct Subscribed {
    std::string request_id;
    std::string epoch;
    std::vector<StreamInfo> streams;  ///< those that it covers
};

/// Answers an unsubscribe: no event follows.
struct Unsubscribed {
    std::string request_id;
};

/// Answers a pause, resume_analysis or object: it is in effect.
struct Controlled {
    std::string request_id;
    std::string action;
    std::vector<std::string> streams;
};

/// Answers a ping.
struct Pong {
    std::string request_id;
    WallTime time{};
    std::optional<double> round_trip_ms;  ///< as the kernel measures it; none: it cannot tell
};

/// Messages that one subscriber does not get: it was too slow for them, or they are held no more.
struct QueueGap {
    enum class Reason { SlowConsumer, NotHeld };

    Reason reason = Reason::SlowConsumer;
    std::string epoch = {};   ///< empty with the stream
    std::string stream = {};  ///< empty: messages that belong to no single stream
    /// Told only with a stream. None: nobody knows where it begins.
    std::optional<std::uint64_t> from_seq = 0;
    std::optional<std::uint64_t> to_seq = 0;   ///< none: to the end of that epoch, wherever it was
    std::optional<std::uint64_t> dropped = 0;  ///< how many of them; none: nobody knows
};

}  // namespace emotiond::protocol
