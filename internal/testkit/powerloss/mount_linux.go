package powerloss

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Available says why disks cannot be mounted here; nil when they can.
func Available() error {
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("no FUSE on this machine: %w", err)
	}
	return f.Close()
}

// Mount mounts a disk on an empty folder until the test ends or unmount is called; where it may not, the test is
// skipped and says so. Only other processes may use the mount: this one serves it.
func Mount(t testing.TB, d *Disk, dir string) (unmount func()) {
	t.Helper()
	zero := time.Duration(0)
	server, err := fs.Mount(dir, &folder{d: d}, &fs.Options{
		EntryTimeout: &zero, AttrTimeout: &zero, NegativeTimeout: &zero,
		MountOptions: fuse.MountOptions{DirectMount: true, FsName: "powerloss", Name: "powerloss", MaxWrite: 128 << 10},
	})
	if err != nil {
		t.Skipf("NOT TESTED: power loss: mount: %v", err)
	}
	var once sync.Once
	unmount = func() {
		once.Do(func() {
			for range 100 {
				if err = server.Unmount(); err == nil {
					return
				}
				time.Sleep(20 * time.Millisecond) // the child is still being buried
			}
			t.Errorf("unmount: %v", errors.Join(err, syscall.Unmount(dir, syscall.MNT_DETACH)))
		})
	}
	t.Cleanup(unmount)
	return unmount
}

// folder is the root of the mount.
type folder struct {
	fs.Inode
	d *Disk
}

func (r *folder) child(ctx context.Context, f *file) *fs.Inode {
	return r.NewInode(ctx, &node{d: r.d, f: f}, fs.StableAttr{Mode: syscall.S_IFREG})
}

// find gives the node of a file, the one that is known when there is one.
func (r *folder) find(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, *node) {
	f := r.d.file(name)
	if f == nil {
		return nil, nil
	}
	if known := r.GetChild(name); known != nil {
		if n, ok := known.Operations().(*node); ok && n.f == f {
			n.attr(&out.Attr)
			return known, n
		}
	}
	in := r.child(ctx, f)
	n := in.Operations().(*node) //nolint:forcetypeassert // made above
	n.attr(&out.Attr)
	return in, n
}

func (r *folder) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	in, _ := r.find(ctx, name, out)
	if in == nil {
		return nil, syscall.ENOENT
	}
	return in, 0
}

func (r *folder) Create(ctx context.Context, name string, _, _ uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if err := r.d.Create(name); err != nil {
		return nil, nil, 0, fs.ToErrno(err)
	}
	in, n := r.find(ctx, name, out)
	return in, n, 0, 0
}

func (r *folder) Unlink(_ context.Context, name string) syscall.Errno {
	return fs.ToErrno(r.d.unlink(name))
}

func (r *folder) Rename(_ context.Context, name string, _ fs.InodeEmbedder, newName string, _ uint32) syscall.Errno {
	return fs.ToErrno(r.d.rename(name, newName))
}

func (r *folder) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	var out []fuse.DirEntry
	for _, n := range r.d.List() {
		out = append(out, fuse.DirEntry{Name: n, Mode: syscall.S_IFREG})
	}
	return fs.NewListDirStream(out), 0
}

func (r *folder) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return fs.ToErrno(r.d.syncNames())
}

// node is one file of the mount, and its own handle.
type node struct {
	fs.Inode
	d *Disk
	f *file
}

func (n *node) attr(a *fuse.Attr) {
	a.Mode, a.Size, a.Blksize, a.Nlink = 0o600|syscall.S_IFREG, uint64(n.d.size(n.f)), sector, 1
	a.Blocks = (a.Size + 511) / 512
	a.Uid, a.Gid = uint32(os.Getuid()), uint32(os.Getgid())
}

func (n *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.attr(&out.Attr)
	return 0
}

func (n *node) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok {
		if err := n.d.truncate(n.f, int64(size)); err != nil {
			return fs.ToErrno(err)
		}
	}
	n.attr(&out.Attr)
	return 0
}

func (n *node) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return n, 0, 0
}

func (n *node) Read(_ context.Context, _ fs.FileHandle, to []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	got, err := n.d.read(n.f, to, at)
	return fuse.ReadResultData(to[:got]), fs.ToErrno(err)
}

func (n *node) Write(_ context.Context, _ fs.FileHandle, data []byte, at int64) (uint32, syscall.Errno) {
	if err := n.d.write(n.f, data, at); err != nil {
		return 0, fs.ToErrno(err)
	}
	return uint32(len(data)), 0
}

func (n *node) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return fs.ToErrno(n.d.sync(n.f))
}
