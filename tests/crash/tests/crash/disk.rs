//! A disk whose power can be cut: an ext4 image behind a loop device, in a folder of the test's own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Shuts file systems down at once, without their journal (`FS_IOC_SHUTDOWN`, `FS_SHUTDOWN_FLAGS_NOLOGFLUSH`): whatever is
/// in the page cache alone is lost.
const CUT: &str = "
import fcntl, os, struct, sys
for line in sys.stdin:
    folder = os.open(line.rstrip('\\n'), os.O_RDONLY)
    fcntl.ioctl(folder, 0x8004587d, struct.pack('I', 2))
    os.close(folder)
    print('cut', flush=True)
";

/// The disk. Unmounted when dropped, before its image goes.
pub(crate) struct Disk {
    mount: PathBuf,
    image: PathBuf,
    mounted: bool,
    cutter: Child,
    answers: BufReader<std::process::ChildStdout>,
    #[expect(dead_code, reason = "removed when dropped, after the fields above")]
    folder: TempDir,
}

impl Disk {
    /// Makes one, or says why that is not possible here.
    pub(crate) fn make() -> Result<Self, String> {
        if !nix::unistd::geteuid().is_root() {
            return Err("needs root, to mount an image".to_owned());
        }
        let folder = crate::bench::folder();
        let (image, mount) = (folder.path().join("image"), folder.path().join("disk"));
        std::fs::create_dir(&mount).unwrap();
        std::fs::File::create(&image).and_then(|file| file.set_len(64 << 20)).unwrap();
        // Blocks as large disks have them. With smaller ones SQLite dies of SIGBUS on a full disk: it makes sure of one
        // byte in each page of its index, and a page is then several blocks.
        run(Command::new("mkfs.ext4").args(["-q", "-F", "-b", "4096", "-J", "size=4"]).arg(&image))?;
        let mut cutter = Command::new("python3")
            .args(["-c", CUT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("no python3: {e}"))?;
        let answers = BufReader::new(cutter.stdout.take().unwrap());
        let mut disk = Self { mount, image, mounted: false, cutter, answers, folder };
        disk.mount()?;
        disk.cut()?;
        disk.reboot();
        Ok(disk)
    }

    /// Where its files are.
    pub(crate) fn path(&self) -> &Path {
        &self.mount
    }

    /// Takes all the room but so many bytes.
    pub(crate) fn leave(&self, room: u64) {
        self.free();
        let ballast = std::fs::File::create(self.mount.join("ballast")).unwrap();
        let mut taken = 0;
        for step in [1 << 20, 1 << 16, 1 << 12] {
            while nix::fcntl::posix_fallocate(&ballast, taken, step).is_ok() {
                taken += step;
            }
        }
        ballast.set_len(u64::try_from(taken).unwrap().saturating_sub(room)).unwrap();
    }

    /// Gives the room back.
    pub(crate) fn free(&self) {
        let _ = std::fs::remove_file(self.mount.join("ballast"));
    }

    fn mount(&mut self) -> Result<(), String> {
        run(Command::new("mount")
            .args(["-t", "ext4", "-o", "loop,noatime,errors=remount-ro"])
            .arg(&self.image)
            .arg(&self.mount))?;
        self.mounted = true;
        Ok(())
    }

    /// Cuts the power: from here on no write reaches the disk.
    pub(crate) fn cut(&mut self) -> Result<(), String> {
        writeln!(self.cutter.stdin.as_ref().unwrap(), "{}", self.mount.display()).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        if answer == "cut\n" {
            Ok(())
        } else {
            Err("the file system cannot be shut down by ioctl".to_owned())
        }
    }

    /// Has the file system find an error in itself, after which it takes no more writes, from nobody.
    ///
    /// # Errors
    /// If this kernel cannot be asked for that.
    pub(crate) fn turn_read_only(&self) -> Result<(), String> {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let mount = self.mount.to_str().unwrap();
        let ours = mounts.lines().find(|line| line.split(' ').nth(1) == Some(mount)).unwrap();
        let device = ours.split(' ').next().and_then(|device| device.rsplit('/').next()).unwrap();
        let trigger = Path::new("/sys/fs/ext4").join(device).join("trigger_fs_error");
        std::fs::write(&trigger, "read-only, as part of a test")
            .map_err(|e| format!("{}: {e}", trigger.display()))
    }

    /// Mounts it again, as after a power cut. No process may have a file of it open.
    pub(crate) fn reboot(&mut self) {
        // A process that another test is just starting has for a moment what this one has open.
        let unmounted = (0..100).any(|_| run(Command::new("umount").arg(&self.mount)).is_ok());
        assert!(unmounted, "{} cannot be unmounted", self.mount.display());
        self.mounted = false;
        self.mount().unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.cutter.kill();
        let _ = self.cutter.wait();
        if self.mounted {
            // Lazily: a test that failed may have left a process with a file open. The loop device goes with it.
            let _ = run(Command::new("umount").arg("-l").arg(&self.mount));
        }
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|e| format!("no `{name}`: {e}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("`{name}` failed: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}
