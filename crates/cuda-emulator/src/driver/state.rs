//! The driver's state, and its streams.

use super::{Code, code};
use crate::{
    execute::{FaultKind, Launch},
    grid::Grid,
    memory::Memory,
    options,
    program::Program,
    ptx::{self, Module},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    io::Write as _,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

/// A module, and the programs of its kernels that were launched.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) module: Arc<Module>,
    pub(crate) globals: HashMap<String, u64>,
    programs: HashMap<String, Arc<Program>>,
}

/// A kernel of a module.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) module: u64,
    pub(crate) name: String,
}

/// Work in a stream.
pub(crate) enum Work {
    Launch(Arc<Program>, Launch),
    /// To, from, bytes.
    Copy(u64, u64, usize),
    /// Rows of bytes: to, from, their pitches, bytes of a row, rows.
    Copy2d([u64; 2], [usize; 2], usize, usize),
    Fill(u64, Vec<u8>, usize),
    Free(u64),
    Record(u64, u64),
    Wait(u64, u64),
    Call(extern "C" fn(*mut std::ffi::c_void), usize),
}

#[derive(Default)]
pub(crate) struct Stream {
    pub(crate) work: VecDeque<Work>,
}

/// How often an event was recorded, how often that has passed, and the stream of the last time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Event {
    pub(crate) recorded: u64,
    pub(crate) passed: u64,
    pub(crate) stream: u64,
    /// Nobody has its handle any longer, but streams may wait for it.
    pub(crate) is_destroyed: bool,
}

pub(crate) struct Driver {
    pub(crate) is_initialised: bool,
    /// The error of a kernel, which every later call returns.
    pub(crate) error: Option<Code>,
    pub(crate) memory: Memory,
    pub(crate) modules: BTreeMap<u64, Loaded>,
    pub(crate) functions: BTreeMap<u64, Function>,
    pub(crate) streams: BTreeMap<u64, Stream>,
    pub(crate) events: BTreeMap<u64, Event>,
    pub(crate) pools: HashSet<u64>,
    /// Thresholds and the like, by pool and attribute.
    pub(crate) pool_attributes: HashMap<(u64, i32), u64>,
    next: u64,
    launched: HashSet<String>,
}

/// The stream that every context has.
pub(crate) const DEFAULT_STREAM: u64 = 0;

pub(crate) fn lock() -> MutexGuard<'static, Driver> {
    static DRIVER: OnceLock<Mutex<Driver>> = OnceLock::new();
    let driver = DRIVER.get_or_init(|| Mutex::new(Driver::new()));
    driver.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Driver {
    fn new() -> Self {
        Self {
            is_initialised: false,
            error: None,
            memory: Memory::new(options::get().memory),
            modules: BTreeMap::new(),
            functions: BTreeMap::new(),
            streams: BTreeMap::from([(DEFAULT_STREAM, Stream::default())]),
            events: BTreeMap::new(),
            pools: HashSet::new(),
            pool_attributes: HashMap::new(),
            next: 0x1000,
            launched: HashSet::new(),
        }
    }

    /// A number that no other handle has.
    pub(crate) fn handle(&mut self) -> u64 {
        self.next += 0x10;
        self.next
    }

    pub(crate) fn load(&mut self, text: &str) -> Result<u64, Code> {
        let module = Module::parse(text).map_err(|message| {
            eprintln!("cuda-emulator: {message}");
            code::INVALID_PTX
        })?;
        let mut globals = HashMap::new();
        for global in &module.globals {
            let kind = crate::memory::Kind::Global;
            let address = self
                .memory
                .allocate(global.bytes.len(), kind)
                .ok_or(code::OUT_OF_MEMORY)?;
            for (at, byte) in global.bytes.iter().enumerate() {
                // SAFETY: the memory is new and has so many bytes.
                unsafe { (address as *mut u8).add(at).write(*byte) };
            }
            globals.insert(global.name.clone(), address);
        }
        let handle = self.handle();
        let module = Arc::new(module);
        self.modules.insert(
            handle,
            Loaded {
                module,
                globals,
                programs: HashMap::new(),
            },
        );
        Ok(handle)
    }

    /// The program of a kernel, which is decoded at its first launch.
    pub(crate) fn program(&mut self, function: u64) -> Result<Arc<Program>, Code> {
        let function = self.functions.get(&function).ok_or(code::INVALID_HANDLE)?;
        let loaded = self
            .modules
            .get_mut(&function.module)
            .ok_or(code::INVALID_HANDLE)?;
        if let Some(program) = loaded.programs.get(&function.name) {
            return Ok(Arc::clone(program));
        }
        let program = ptx::decode(&loaded.module, &function.name, &loaded.globals);
        let program = Arc::new(program.map_err(|message| {
            eprintln!("cuda-emulator: {message}");
            code::INVALID_PTX
        })?);
        loaded
            .programs
            .insert(function.name.clone(), Arc::clone(&program));
        Ok(program)
    }

    /// Puts work into a stream. Without laziness it is done at once.
    pub(crate) fn queue(&mut self, stream: u64, work: Work) -> Result<(), Code> {
        self.streams
            .get_mut(&stream)
            .ok_or(code::INVALID_HANDLE)?
            .work
            .push_back(work);
        if !options::get().is_lazy {
            self.drain(stream);
        }
        Ok(())
    }

    /// Does all work of a stream.
    pub(crate) fn drain(&mut self, stream: u64) {
        while self.step(stream) {}
    }

    pub(crate) fn drain_all(&mut self) {
        for stream in self.streams.keys().copied().collect::<Vec<_>>() {
            self.drain(stream);
        }
    }

    /// Does the next work of a stream; false if there is none.
    pub(crate) fn step(&mut self, stream: u64) -> bool {
        let Some(work) = self
            .streams
            .get_mut(&stream)
            .and_then(|stream| stream.work.pop_front())
        else {
            return false;
        };
        if let Work::Wait(event, count) = work {
            self.pass(event, count);
        } else if self.error.is_none()
            && let Err(error) = self.perform(work)
        {
            self.error = Some(error);
        }
        true
    }

    /// An event that has not been destroyed.
    pub(crate) fn event(&mut self, event: u64) -> Result<&mut Event, Code> {
        let found = self.events.get_mut(&event);
        found
            .filter(|event| !event.is_destroyed)
            .ok_or(code::INVALID_HANDLE)
    }

    /// Does what comes before the time that an event was recorded for the `count`th time.
    pub(crate) fn pass(&mut self, event: u64, count: u64) {
        while let Some(Event { passed, stream, .. }) = self.events.get(&event).copied()
            && passed < count
            && self.step(stream)
        {}
    }

    fn perform(&mut self, work: Work) -> Result<(), Code> {
        match work {
            Work::Launch(program, launch) => return self.launch(&program, &launch),
            Work::Copy(to, from, bytes) => self.copy(to, from, bytes)?,
            Work::Copy2d([to, from], [to_pitch, from_pitch], bytes, rows) => {
                for row in 0..rows as u64 {
                    let to = to + row * to_pitch as u64;
                    self.copy(to, from + row * from_pitch as u64, bytes)?;
                }
            }
            Work::Fill(to, pattern, count) => self.fill(to, &pattern, count)?,
            Work::Free(address) => {
                if !self.memory.free(address, crate::memory::Kind::Device) {
                    return Err(code::INVALID_VALUE);
                }
            }
            Work::Record(event, count) => {
                if let Some(event) = self.events.get_mut(&event) {
                    event.passed = event.passed.max(count);
                }
            }
            Work::Wait(..) => {}
            Work::Call(function, data) => function(data as *mut _),
        }
        Ok(())
    }

    fn launch(&mut self, program: &Program, launch: &Launch) -> Result<(), Code> {
        let options = options::get();
        if let Some(path) = &options.launched
            && self.launched.insert(program.name.clone())
        {
            let file = std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(path);
            // One write, as other processes add to the same file.
            let line = format!("{}\n", program.name);
            if let Err(error) = file.and_then(|mut file| file.write_all(line.as_bytes())) {
                eprintln!("cuda-emulator: {}: {error}", path.display());
            }
        }
        let start = std::time::Instant::now();
        let grid = Grid {
            program,
            memory: &self.memory,
            launch,
            options,
        };
        let result = grid.run();
        if options.statistics
            && let Ok(cost) = &result
        {
            let blocks: u64 = launch.grid.iter().map(|n| u64::from(*n)).product();
            let name = &program.name;
            eprintln!(
                "cuda-emulator: {name}: {blocks} blocks, {} instructions, {:?}",
                cost.instructions,
                start.elapsed()
            );
        }
        result.map(drop).map_err(|failure| {
            eprintln!("cuda-emulator: {}", failure.message);
            match failure.kind {
                FaultKind::Address => code::ILLEGAL_ADDRESS,
                FaultKind::Misaligned => code::MISALIGNED_ADDRESS,
                FaultKind::Timeout => code::LAUNCH_TIMEOUT,
                FaultKind::Trap => code::ILLEGAL_INSTRUCTION,
                _ => code::LAUNCH_FAILED,
            }
        })
    }
}
