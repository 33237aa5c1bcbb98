// The messages of the wire protocol, version 1 (docs/protocol.md), as far as the page uses them.

export interface Model {
  id: string;
  labels: string[];
  window_ms: number;
  hop_ms: number;
  uncertain_below?: number;
  speech_output?: boolean;
  licence?: string;
  attribution?: string;
  figures?: unknown;
}

export interface HelloStream {
  stream: string;
  role?: string;
  labels?: Record<string, string>;
  /** Those who speak were told; left out by servers that do not know of it. */
  disclosed?: boolean;
  analysed?: boolean;
  /** Why it is not analysed. */
  reason?: string;
  state: string;
  oldest_seq?: number;
  newest_seq: number;
}

export interface Hello {
  type: "hello";
  epoch: string;
  server: string;
  auth?: boolean;
  limits?: { max_queue_bytes?: number; idle_timeout_ms?: number };
  /** What lasts; left out where the server does all. */
  overload?: { level: number; action: string; reason: string };
  models: Model[];
  streams: HelloStream[];
}

/** What every event that is numbered in its stream carries. */
export interface Numbered {
  epoch: string;
  stream: string;
  role?: string;
  seq: number;
  time: string;
}

export interface Emotion extends Numbered {
  type: "emotion";
  start_ms: number;
  end_ms: number;
  label: string;
  confidence: number;
  scores: Record<string, number>;
  uncertain: boolean;
  utterance?: number;
  affect?: { valence: number; arousal: number };
  speech?: number;
  voiced?: number;
  level_dbfs: number | null;
  model: string;
  latency_ms?: Record<string, number>;
}

export interface Utterance extends Numbered {
  type: "utterance";
  utterance: number;
  start_ms: number;
  end_ms: number;
  label: string;
  confidence: number;
  uncertain: boolean;
}

export interface AudioGap extends Numbered {
  type: "gap";
  scope: "audio";
  reason: string;
  start_ms: number;
  lost_ms: number;
}

export interface QueueGap {
  type: "gap";
  scope: "queue";
  reason: string;
  /** Where what is missing may be of an earlier run of the server. */
  epoch?: string;
  stream?: string;
  from_seq?: number;
  /** Left out, as `dropped`, where nobody knows how many are missing. */
  to_seq?: number;
  dropped?: number;
}

export interface StreamState extends Numbered {
  type: "stream";
  state: string;
  reason?: string;
}

export interface Alert extends Numbered {
  type: "alert";
  state: "raised" | "cleared";
  alert: string;
  rule: string;
  start_ms?: number;
  end_ms?: number;
  value?: number;
  threshold?: number;
}

/** About the server where it has no stream. */
export interface Overload extends Partial<Numbered> {
  type: "overload";
  level: number;
  action: string;
  reason: string;
}

export interface ServerError extends Partial<Numbered> {
  type: "error";
  code: string;
  message: string;
  fatal: boolean;
  request_id?: string;
}

export interface SubscribedStream {
  stream: string;
  newest_seq: number;
  /** The first event that follows; servers that leave these out tell what is not held by a `gap`. */
  epoch?: string;
  from_seq?: number;
  truncated?: boolean;
}

export interface Subscribed {
  type: "subscribed";
  request_id?: string;
  streams: SubscribedStream[];
}

export interface Pong {
  type: "pong";
  request_id?: string;
  time?: string;
}

export type Message =
  | Hello
  | Emotion
  | Utterance
  | AudioGap
  | QueueGap
  | StreamState
  | Alert
  | Overload
  | ServerError
  | Subscribed
  | Pong;

export interface ResumePoint {
  epoch: string;
  stream: string;
  after_seq: number;
}

/** The label of a window that holds no speech; its scores mean nothing. */
export const kNoSpeech = "no_speech";

/** The message in one frame, or null for what is none. */
export function parse(text: string): Message | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  return typeof (value as { type?: unknown }).type === "string" ? (value as Message) : null;
}
