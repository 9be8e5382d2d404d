//! What the lanes of a warp, or the warps of a block, do together.

use super::{Engine, Fault, FaultKind, Flow};
use crate::program::{Instruction, LANES, Op, ShuffleMode};

impl Engine<'_> {
    pub(super) fn together(&mut self, i: &Instruction) -> Result<Flow, Fault> {
        match i.op {
            Op::Barrier => {
                self.warp.wait();
                return Ok(Flow::Pick);
            }
            Op::BarrierOr => {
                *self.any |= self.warp.predicate(i.rows[1]) & self.warp.active != 0;
                self.warp.wait();
                return Ok(Flow::Pick);
            }
            _ => {}
        }
        // The rest needs the lanes of the warp to be here.
        if self.warp.active != self.warp.live {
            self.warp.meet();
            return Ok(Flow::Pick);
        }
        match i.op {
            Op::WarpBarrier => {}
            Op::Shuffle(mode) => self.shuffle(mode, i),
            Op::VoteAny => {
                let any = self.warp.predicate(i.rows[1]) & self.warp.active != 0;
                self.warp
                    .set_predicate(i.rows[0], u32::from(any).wrapping_neg());
            }
            Op::VoteAll => {
                let all = !self.warp.predicate(i.rows[1]) & self.warp.active == 0;
                self.warp
                    .set_predicate(i.rows[0], u32::from(all).wrapping_neg());
            }
            Op::VoteBallot => {
                let ballot = self.warp.predicate(i.rows[1]) & self.warp.active;
                self.put32(i.rows[0], &[ballot; LANES]);
            }
            _ => return Err(self.fault(FaultKind::Trap, 0, 0)),
        }
        Ok(Flow::Next)
    }

    /// As the manual of PTX writes it.
    fn shuffle(&mut self, mode: ShuffleMode, i: &Instruction) {
        let value = *self.get32(i.rows[1]);
        let (by, clamp) = (*self.get32(i.rows[2]), *self.get32(i.rows[3]));
        let mut out = value;
        for lane in 0..LANES as u32 {
            let (by, c) = (by[lane as usize] & 31, clamp[lane as usize]);
            let (segment, clamp) = ((c >> 8) & 31, c & 31);
            let most = (lane & segment) | (clamp & !segment);
            let least = lane & segment;
            let (source, is_inside) = match mode {
                ShuffleMode::Up => (
                    lane.wrapping_sub(by),
                    lane as i32 - by as i32 >= most as i32,
                ),
                ShuffleMode::Down => (lane + by, lane + by <= most),
                ShuffleMode::Xor => (lane ^ by, lane ^ by <= most),
                ShuffleMode::Index => {
                    let source = least | (by & !segment);
                    (source, source <= most)
                }
            };
            let source = if is_inside { source } else { lane };
            // A lane that has ended has nothing to give.
            if self.warp.active >> source & 1 != 0 {
                out[lane as usize] = value[source as usize];
            } else {
                out[lane as usize] = 0xCDCD_CDCD;
            }
        }
        self.put32(i.rows[0], &out);
    }
}
