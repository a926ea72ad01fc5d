//! Where things are on a screen of a given size. Pure arithmetic on cells, shared by the update (how far is
//! half a screen?) and the view; nothing here panics at any size.

/// A rectangle of cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Area {
    /// Columns from the left.
    pub x: u16,
    /// Rows from the top.
    pub y: u16,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl Area {
    /// Whether there is no cell in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// The first `rows` rows, and the rest.
    #[must_use]
    pub fn split_top(self, rows: u16) -> (Self, Self) {
        let rows = rows.min(self.height);
        (
            Self { height: rows, ..self },
            Self { y: self.y + rows, height: self.height - rows, ..self },
        )
    }

    /// All but the last `rows` rows, and those.
    #[must_use]
    pub fn split_bottom(self, rows: u16) -> (Self, Self) {
        self.split_top(self.height.saturating_sub(rows))
    }

    /// The first `columns` columns, and the rest.
    #[must_use]
    pub fn split_left(self, columns: u16) -> (Self, Self) {
        let columns = columns.min(self.width);
        (
            Self { width: columns, ..self },
            Self { x: self.x + columns, width: self.width - columns, ..self },
        )
    }

    /// An area of at most this size in the middle of it.
    #[must_use]
    pub fn centred(self, width: u16, height: u16) -> Self {
        let width = width.min(self.width);
        let height = height.min(self.height);
        Self {
            x: self.x + (self.width - width) / 2,
            y: self.y + (self.height - height) / 2,
            width,
            height,
        }
    }
}

/// Below this size there is only a line asking for more room.
pub const SMALLEST: (u16, u16) = (20, 5);
/// From this width on the list and the conversation stand side by side.
pub const TWO_PANES: u16 = 60;
/// From this width on the rows of the list have two lines.
pub const TALL_ROWS: u16 = 100;
/// From this width on there is an info pane.
pub const THREE_PANES: u16 = 160;
/// The widest a line of a message gets, so that it can be read.
pub const TEXT_WIDTH: u16 = 100;
/// Columns before the text of a message: time, state slot, and a cell after each.
pub const TEXT_INDENT: u16 = 9;

/// The inside of a page in front of the inbox on a screen of this size.
#[must_use]
pub fn page((columns, rows): (u16, u16)) -> Area {
    let whole = Area { x: 0, y: 0, width: columns, height: rows };
    let frame = whole.centred(columns.saturating_sub(4).min(84), rows.saturating_sub(2));
    Area {
        x: frame.x + 2.min(frame.width),
        y: frame.y + 1.min(frame.height),
        width: frame.width.saturating_sub(4),
        height: frame.height.saturating_sub(2),
    }
}

/// What the layout depends on beside the size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, each named where it is set"
)]
pub struct Wants {
    /// The queue is shown in place of the inbox.
    pub queue: bool,
    /// The templates are shown in place of the inbox.
    pub templates: bool,
    /// The inspector is shown in place of the inbox.
    pub hooks: bool,
    /// The campaigns are shown in place of the inbox.
    pub campaigns: bool,
    /// The list may be shown beside the conversation.
    pub list: bool,
    /// The info pane may be shown.
    pub info: bool,
    /// With room for one pane only: the conversation rather than the list.
    pub conversation: bool,
    /// Rows of the draft, as wrapped.
    pub draft_rows: u16,
    /// Whether the draft answers a message.
    pub reply: bool,
    /// Rows of trouble under the status bar.
    pub banners: u16,
    /// Rows of the notice, if there is one.
    pub notice: u16,
}

/// The areas of a screen. An area that is not shown is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The status bar.
    pub bar: Area,
    /// Trouble, one row each.
    pub banners: Area,
    /// The list with its tabs and its foot.
    pub list: Area,
    /// The line between the list and the conversation.
    pub list_border: Area,
    /// The conversation with its header.
    pub chat: Area,
    /// The queue with its tabs, its numbers and its foot; then there is no inbox.
    pub queue: Area,
    /// The templates, then there is no inbox either.
    pub templates: Area,
    /// The campaigns, or the one that is being prepared; then there is no inbox either.
    pub campaigns: Area,
    /// The inspector with its head, its list and what it shows of a request; then there is no inbox.
    pub hooks: Area,
    /// The line before the info pane.
    pub info_border: Area,
    /// Contact, message, health.
    pub info: Area,
    /// Window, notices.
    pub gauge: Area,
    /// The message that the draft answers.
    pub reply: Area,
    /// The composer.
    pub composer: Area,
    /// Mode and keys.
    pub hints: Area,
    /// Rows of the list have two lines.
    pub tall_rows: bool,
}

impl Layout {
    /// The rows of the list proper.
    #[must_use]
    pub fn list_rows(&self) -> Area {
        self.list.split_top(1).1.split_bottom(1).0
    }

    /// How many conversations fit into the list.
    #[must_use]
    pub fn list_capacity(&self) -> u16 {
        self.list_rows().height / if self.tall_rows { 2 } else { 1 }
    }

    /// The rows of the queue proper: under its tabs, two rows of numbers and a line, above its foot.
    #[must_use]
    pub fn queue_rows(&self) -> Area {
        self.queue.split_top(4).1.split_bottom(1).0
    }

    /// How many messages of the queue fit: each has two lines.
    #[must_use]
    pub fn queue_capacity(&self) -> u16 {
        self.queue_rows().height / 2
    }

    /// The requests proper: under the head of the inspector and a line. Beside an info pane they have all of it,
    /// or else the upper half.
    #[must_use]
    pub fn hook_rows(&self) -> Area {
        self.hook_parts().0
    }

    /// What is shown of a request, with a line above it; empty beside an info pane.
    #[must_use]
    pub fn hook_detail(&self) -> Area {
        self.hook_parts().1
    }

    fn hook_parts(&self) -> (Area, Area) {
        let body = self.hooks.split_top(3).1;
        if self.info.is_empty() {
            body.split_top(body.height.div_ceil(2))
        } else {
            (body, Area::default())
        }
    }

    /// The messages proper.
    #[must_use]
    pub fn messages(&self) -> Area {
        self.chat.split_top(1).1
    }

    /// The widest a line of message text is here.
    #[must_use]
    pub fn text_width(&self) -> u16 {
        self.chat.width.saturating_sub(TEXT_INDENT + 1).clamp(1, TEXT_WIDTH)
    }

    /// The widest a line of the draft is here: a mark in front, and a cell for the cursor behind.
    #[must_use]
    pub fn draft_width(&self) -> u16 {
        draft_width(self.composer.width)
    }
}

/// The widest a line of the draft is on a screen of this width.
#[must_use]
pub fn draft_width(columns: u16) -> u16 {
    columns.saturating_sub(3).clamp(1, TEXT_WIDTH)
}

/// Lays out the inbox; `None` when the screen is too small for it.
#[must_use]
pub fn lay_out(columns: u16, rows: u16, wants: &Wants) -> Option<Layout> {
    if columns < SMALLEST.0 || rows < SMALLEST.1 {
        return None;
    }
    let whole = Area { x: 0, y: 0, width: columns, height: rows };
    let mut layout = Layout { tall_rows: columns >= TALL_ROWS, ..Layout::default() };
    let rest;
    (layout.bar, rest) = whole.split_top(1);
    let (rest, hints) = rest.split_bottom(1);
    layout.hints = hints;
    let side_by_side = columns >= TWO_PANES;
    let inbox = !wants.queue && !wants.templates && !wants.hooks && !wants.campaigns;
    let writes = inbox && (side_by_side || wants.conversation);
    let mut body = rest;
    if writes {
        let most = (rows / 3).max(1);
        let (above, composer) = body.split_bottom(wants.draft_rows.clamp(1, most));
        layout.composer = composer;
        body = above;
        if wants.reply && body.height > 4 {
            (body, layout.reply) = body.split_bottom(1);
        }
    }
    if body.height > 3 {
        // A notice takes what it needs of the messages, for as long as it is there.
        let rows = wants.notice.clamp(1, 4).min(body.height - 2);
        (body, layout.gauge) = body.split_bottom(rows);
    }
    let banners = wants.banners.min(body.height.saturating_sub(4));
    (layout.banners, body) = body.split_top(banners);
    if wants.templates {
        layout.templates = body;
        return Some(layout);
    }
    if wants.campaigns {
        layout.campaigns = body;
        return Some(layout);
    }
    if wants.queue || wants.hooks {
        if wants.info && columns >= THREE_PANES {
            let (left, right) = body.split_left(body.width.saturating_sub(57));
            (layout.info_border, layout.info) = right.split_left(1);
            body = left;
        }
        if wants.queue {
            layout.queue = body;
        } else {
            layout.hooks = body;
        }
        return Some(layout);
    }
    if !side_by_side {
        if wants.conversation {
            layout.chat = body;
        } else {
            layout.list = body;
        }
        return Some(layout);
    }
    if wants.list {
        let width = match columns {
            0..TALL_ROWS => 27,
            TALL_ROWS..180 => 36,
            _ => 44,
        };
        (layout.list, body) = body.split_left(width);
        (layout.list_border, body) = body.split_left(1);
    }
    if wants.info && columns >= THREE_PANES {
        let (left, right) = body.split_left(body.width.saturating_sub(57));
        (layout.info_border, layout.info) = right.split_left(1);
        body = left;
    }
    layout.chat = body;
    Some(layout)
}

#[cfg(test)]
mod tests {
    use super::{Area, Wants, lay_out};

    const WANTS: Wants = Wants {
        queue: false,
        templates: false,
        hooks: false,
        campaigns: false,
        list: true,
        info: true,
        conversation: false,
        draft_rows: 1,
        reply: false,
        banners: 0,
        notice: 0,
    };

    #[test]
    fn panes_by_width() {
        let narrow = lay_out(59, 24, &WANTS).unwrap();
        assert_eq!((narrow.list.width, narrow.chat.width), (59, 0));
        let two = lay_out(80, 24, &WANTS).unwrap();
        assert_eq!((two.list.width, two.chat.width, two.info.width), (27, 52, 0));
        let tall = lay_out(120, 36, &WANTS).unwrap();
        assert_eq!((tall.list.width, tall.chat.width, tall.tall_rows), (36, 83, true));
        let wide = lay_out(200, 50, &WANTS).unwrap();
        assert_eq!((wide.list.width, wide.chat.width, wide.info.width), (44, 98, 56));
    }

    #[test]
    fn areas_tile_the_screen_at_every_size() {
        for columns in 0..220 {
            for rows in 0..60 {
                for draft_rows in [0, 1, 3, 500] {
                    for (conversation, queue, templates, hooks, campaigns) in [
                        (false, false, false, false, false),
                        (true, false, false, false, false),
                        (false, true, false, false, false),
                        (false, false, true, false, false),
                        (false, false, false, true, false),
                        (false, false, false, false, true),
                    ] {
                        let wants = Wants {
                            queue,
                            templates,
                            hooks,
                            campaigns,
                            draft_rows,
                            conversation,
                            reply: true,
                            banners: 2,
                            notice: 3,
                            ..WANTS
                        };
                        let Some(layout) = lay_out(columns, rows, &wants) else {
                            assert!(columns < 20 || rows < 5);
                            continue;
                        };
                        let cells: u32 = [
                            layout.bar,
                            layout.banners,
                            layout.list,
                            layout.list_border,
                            layout.chat,
                            layout.queue,
                            layout.templates,
                            layout.hooks,
                            layout.campaigns,
                            layout.info_border,
                            layout.info,
                            layout.gauge,
                            layout.reply,
                            layout.composer,
                            layout.hints,
                        ]
                        .iter()
                        .map(|area: &Area| u32::from(area.width) * u32::from(area.height))
                        .sum();
                        assert_eq!(cells, u32::from(columns) * u32::from(rows));
                    }
                }
            }
        }
    }
}
