//! How the agent takes a newer version of itself, so that whatever happens in between, a working one runs at the end.
//!
//! Two processes share the work. The agent (the child, [`updater`]) hears of a version, checks who signed it, fetches it
//! ([`download`]), and in a quiet moment asks for it in the plan and ends. The supervisor ([`versions`]) chooses at each
//! start what runs, by the [`plan`] alone: a version on trial is noted before it is started, and what is not noted as
//! working by the end of its trial is left for the one before. The installed program is never touched and always remains.
//!
//! Each step is one atomic replacement of a file or one rename, and what runs is verified anew each time (signature,
//! then SHA-256), so there are no two steps between which a power cut could do harm. Who may write the plan is always
//! clear: while no trial runs it is the agent, else the supervisor.
//!
//! What an older supervisor calls must go on working for ever: `run --supervised --versions FOLDER
//! --healthy-file FILE`, with `--config` and `--data-dir` before it.

mod disk;
pub mod download;
pub mod offer;
pub mod plan;
pub mod this_build;
pub mod trial;
pub mod updater;
pub mod versions;
