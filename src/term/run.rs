//! The loop: wait for something to happen, take everything that has, update the model, carry out what it
//! asks for, and draw at most once. It waits without a tick; when nothing changes, nothing is written.
//!
//! It is the only place where the model is changed and the only thread that draws. Whatever is slow is
//! somebody else's job; the one exception is the editor, which takes the whole terminal anyway.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::effect::Stage;
use super::errand::Errand;
use super::pace::Pace;
use super::signal::Asked;
use super::tty::Surface;
use crate::app::Model;
use crate::app::msg::{Effect, Input, Msg, QuitCause};
use crate::app::{start, update};
use crate::domain::change::Changes;
use crate::domain::time::{Clock, Monotonic};
use crate::ui::Theme;

/// The first frame waits so long for what is asked for at the start: shown in parts, each part would be drawn
/// while the next is fetched.
const TOGETHER: Duration = Duration::from_millis(40);
/// At most so much is taken in before the next frame.
const BATCH: usize = 256;
/// And no longer than this.
const BATCH_TIME: Duration = Duration::from_millis(4);
/// A turn that takes longer is worth a line in the log.
const SLOW: Duration = Duration::from_millis(16);

/// What reaches the loop.
#[derive(Debug)]
pub enum Event {
    /// Something for the model.
    Msg(Msg),
    /// The services have news; they are fetched when they are wanted.
    News,
    /// A signal.
    Asked(Asked),
}

/// Why the loop ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The person left.
    Quit,
    /// The person wants the demo.
    StartDemo,
    /// A signal.
    Signal,
    /// A thread panicked; what it said.
    Panic(String),
}

/// The loop with everything it needs.
pub struct Loop<S: Surface> {
    surface: S,
    model: Model,
    theme: Theme,
    events: Receiver<Event>,
    stage: Stage,
    clock: Arc<dyn Clock>,
    pace: Pace,
    /// Until when a frame waits for what is being loaded.
    together: Monotonic,
    /// Something changed that is not drawn yet.
    dirty: bool,
    ending: Option<Ending>,
}

/// A model whose first questions are asked, so that the answers come while there is nothing to draw on yet.
pub struct Opening {
    model: Model,
    stage: Stage,
    /// What else it wants first.
    effects: Vec<Effect>,
}

impl Opening {
    /// Asks them.
    #[must_use]
    pub fn ask(mut model: Model, stage: Stage) -> Self {
        let mut effects = Vec::new();
        for effect in start(&mut model) {
            match effect {
                Effect::Run(query) => stage.query(query),
                other => effects.push(other),
            }
        }
        Self { model, stage, effects }
    }
}

impl<S: Surface> Loop<S>
where
    <S::Backend as ratatui::backend::Backend>::Error: Send + Sync + 'static,
{
    /// Goes on with what was asked. [`Loop::settle`] or [`Loop::run`] draws it.
    pub fn begin(
        surface: S,
        Opening { model, stage, effects }: Opening,
        theme: Theme,
        events: Receiver<Event>,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let mut this = Self {
            together: clock.monotonic() + TOGETHER,
            pace: Pace::default(),
            dirty: true,
            ending: None,
            surface,
            model,
            theme,
            events,
            stage,
            clock,
        };
        this.carry_out(effects)?;
        Ok(this)
    }

    /// Runs until what was asked for at the start is on the screen, but no longer than this.
    pub fn settle(&mut self, at_most: Duration) -> io::Result<()> {
        let end = self.clock.monotonic() + at_most;
        while self.ending.is_none() && (self.dirty || self.model.is_loading()) {
            let left = end.since(self.clock.monotonic());
            if left.is_zero() {
                break;
            }
            self.ending = self.turn(Some(left))?;
        }
        Ok(())
    }

    /// Runs until there is a reason to end.
    pub fn run(&mut self) -> io::Result<Ending> {
        if let Some(ending) = self.ending.take() {
            return Ok(ending);
        }
        loop {
            if let Some(ending) = self.turn(None)? {
                return Ok(ending);
            }
        }
    }

    /// Gives the surface back.
    pub fn into_surface(self) -> S {
        self.surface
    }

    /// What is drawn on.
    pub const fn surface(&self) -> &S {
        &self.surface
    }

    /// What is drawn on, to be changed.
    pub const fn surface_mut(&mut self) -> &mut S {
        &mut self.surface
    }

    /// One turn: waits at most as long as asked, or until something is due.
    pub fn turn(&mut self, at_most: Option<Duration>) -> io::Result<Option<Ending>> {
        let first = self.wait(at_most)?;
        let begun = self.clock.monotonic();
        let batch = self.batch(first, begun);
        let mut pressed = false;
        for msg in batch {
            pressed |= matches!(msg, Msg::Input(_));
            self.tell(msg)?;
        }
        let now = self.clock.now();
        if self.model.next_deadline().is_some_and(|due| due <= now) {
            self.tell(Msg::Deadline)?;
        }
        self.dirty |= self.model.take_dirty();
        if self.dirty && (pressed || self.frame_wait().is_zero()) {
            self.draw()?;
        }
        let took = self.clock.monotonic().since(begun);
        if took > SLOW {
            tracing::debug!(?took, "a slow turn");
        }
        Ok(self.ending.take())
    }

    /// Blocks until something happens or is due. Nothing when only time has passed.
    fn wait(&self, at_most: Option<Duration>) -> io::Result<Option<Event>> {
        let now = self.clock.now();
        let deadline = self.model.next_deadline().map(|due| due.since(now));
        let frame = self.dirty.then(|| self.frame_wait());
        let gone = || io::Error::other("all threads that could tell the screen anything are gone");
        match [deadline, frame, at_most].into_iter().flatten().min() {
            None => self.events.recv().map(Some).map_err(|_closed| gone()),
            Some(wait) => match self.events.recv_timeout(wait) {
                Ok(event) => Ok(Some(event)),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => Err(gone()),
            },
        }
    }

    fn frame_wait(&self) -> Duration {
        let mut due = self.pace.next();
        if self.model.is_loading() {
            due = due.max(self.together);
        }
        due.since(self.clock.monotonic())
    }

    /// Everything that waits, folded: of several sizes the last, all changes as one, keys in their order.
    fn batch(&mut self, first: Option<Event>, begun: Monotonic) -> Vec<Msg> {
        let mut fold = Fold::default();
        let mut next = first;
        let mut taken = 0;
        while let Some(event) = next {
            match event {
                Event::Msg(msg) => fold.add(msg),
                Event::News => {
                    let (changes, health) = self.stage.news();
                    fold.changes.merge(changes);
                    fold.msgs.extend(health.map(Box::new).map(Msg::Health));
                }
                Event::Asked(Asked::End) => fold.add(Msg::Quit(QuitCause::Signal)),
                Event::Asked(Asked::Stop) => self.job_control(S::suspend),
                Event::Asked(Asked::Continue) => self.job_control(S::resumed),
            }
            taken += 1;
            if taken >= BATCH || self.clock.monotonic().since(begun) >= BATCH_TIME {
                break;
            }
            next = self.events.try_recv().ok();
        }
        fold.finish()
    }

    fn job_control(&mut self, act: impl FnOnce(&mut S) -> io::Result<()>) {
        if let Err(error) = act(&mut self.surface) {
            tracing::warn!(%error, "job control");
        }
        self.dirty = true;
    }

    fn tell(&mut self, msg: Msg) -> io::Result<()> {
        match &msg {
            Msg::Quit(QuitCause::Signal) => self.ending = Some(Ending::Signal),
            Msg::Quit(QuitCause::Panic(said)) => self.ending = Some(Ending::Panic(said.clone())),
            _ => {}
        }
        let effects = update(&mut self.model, msg, self.clock.now());
        self.carry_out(effects)
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> io::Result<()> {
        for effect in effects {
            match effect {
                Effect::Run(query) => self.stage.query(query),
                Effect::Do(id, command) => self.stage.command(id, command),
                Effect::Copy(text) => {
                    if let Err(reason) = self.surface.copy(&text) {
                        self.tell(Msg::NotCopied(reason))?;
                    }
                }
                Effect::Post { event, url } => self.run_errand(Errand::Post { event, url })?,
                Effect::SaveBody { event, path } => {
                    self.run_errand(Errand::Save { event, path })?;
                }
                Effect::OpenFile(path) => self.run_errand(Errand::OpenFile(path))?,
                Effect::SaveFile { path, to, name } => {
                    self.run_errand(Errand::SaveFile { path, to, name })?;
                }
                Effect::Plan(ticket, wish, template) => {
                    self.run_errand(Errand::Plan { ticket, wish, template })?;
                }
                Effect::Confirm { ticket, run, again } => {
                    self.run_errand(Errand::Confirm { ticket, run, again })?;
                }
                Effect::TryOut { run, row, number } => {
                    self.run_errand(Errand::TryOut { run, row, number })?;
                }
                Effect::SaveSkipped { run, path } => {
                    self.run_errand(Errand::SaveSkipped { run, path })?;
                }
                Effect::SaveResult { campaign, path } => {
                    self.run_errand(Errand::SaveResult { campaign, path })?;
                }
                Effect::RemoveDraft(campaign) => {
                    self.run_errand(Errand::RemoveDraft(campaign))?;
                }
                Effect::Examine => {
                    if let Err(error) = self.stage.examine() {
                        self.tell(Msg::Told(Err(error.to_string())))?;
                    }
                }
                Effect::Edit(text) => {
                    let edited = self.surface.edit(&text);
                    self.dirty = true;
                    self.tell(Msg::Edited(edited))?;
                }
                Effect::Look(ticket, path) => self.stage.look(ticket, path),
                Effect::Bell => self.surface.bell()?,
                Effect::Title(text) => self.surface.title(&text)?,
                Effect::Redraw => {
                    self.repaint()?;
                }
                Effect::Suspend => {
                    self.surface.suspend()?;
                    self.dirty = true;
                }
                Effect::StartDemo => self.ending = Some(Ending::StartDemo),
                // A reason that is graver stays.
                Effect::Quit => self.ending = self.ending.take().or(Some(Ending::Quit)),
            }
        }
        Ok(())
    }

    fn run_errand(&mut self, errand: Errand) -> io::Result<()> {
        match self.stage.errand(errand) {
            Ok(()) => Ok(()),
            Err(error) => self.tell(Msg::Told(Err(error.to_string()))),
        }
    }

    /// Forgets what the terminal shows, so that the next frame is drawn whole.
    fn repaint(&mut self) -> io::Result<()> {
        let (columns, rows) = self.surface.size()?;
        let area = ratatui::layout::Rect::new(0, 0, columns, rows);
        // Not `clear`, which asks the terminal for the cursor and would race the thread that reads keys.
        self.surface.terminal().resize(area).map_err(io::Error::other)?;
        self.dirty = true;
        Ok(())
    }

    /// Draws. The model hears of a new size first: ratatui resizes by itself while drawing, and the two must
    /// not disagree.
    fn draw(&mut self) -> io::Result<()> {
        let (columns, rows) = self.surface.size()?;
        if (columns, rows) != self.model.size() {
            self.tell(Msg::Input(Input::Resize(columns, rows)))?;
        }
        self.model.take_dirty();
        self.dirty = false;
        self.pace.drawn(self.clock.monotonic());
        if columns == 0 || rows == 0 {
            return Ok(());
        }
        let (model, theme) = (&self.model, &self.theme);
        let terminal = self.surface.terminal();
        terminal.draw(|frame| crate::ui::view(model, theme, frame)).map_err(io::Error::other)?;
        self.surface.commit()
    }
}

/// Messages of one turn on their way to the model.
#[derive(Default)]
struct Fold {
    msgs: Vec<Msg>,
    changes: Changes,
}

impl Fold {
    fn add(&mut self, msg: Msg) {
        match msg {
            Msg::Changed(changes) => self.changes.merge(changes),
            Msg::Input(Input::Resize(..)) => {
                self.msgs.retain(|earlier| !matches!(earlier, Msg::Input(Input::Resize(..))));
                self.msgs.push(msg);
            }
            other => self.msgs.push(other),
        }
    }

    fn finish(mut self) -> Vec<Msg> {
        if !self.changes.is_empty() {
            self.msgs.push(Msg::Changed(self.changes));
        }
        self.msgs
    }
}

#[cfg(test)]
mod tests {
    use super::Fold;
    use crate::app::msg::{Input, Msg};
    use crate::domain::change::Changes;
    use crate::domain::id::ConversationId;

    #[test]
    fn of_many_sizes_the_last_counts_and_changes_become_one() {
        let mut fold = Fold::default();
        let hint = |id| {
            Msg::Changed(Changes {
                conversations: [ConversationId(id)].into(),
                ..Changes::default()
            })
        };
        fold.add(Msg::Input(Input::Resize(80, 24)));
        fold.add(hint(1));
        fold.add(Msg::Input(Input::Paste("a".into())));
        fold.add(Msg::Input(Input::Resize(100, 30)));
        fold.add(hint(2));
        let msgs = fold.finish();
        let [Msg::Input(paste), Msg::Input(size), Msg::Changed(changes)] = msgs.as_slice() else {
            panic!("{msgs:?}");
        };
        assert_eq!(*paste, Input::Paste("a".into()));
        assert_eq!(*size, Input::Resize(100, 30));
        assert_eq!(changes.conversations.len(), 2);
    }
}
