// Command files is the driver of shared file systems on a node of one machine: what is mounted over the network elsewhere is a folder here.
//
//	files -name DRIVER -volumes FOLDER -socket SOCKET -registry FOLDER
//
// A volume's folder is what the link of its handle's name points to, in the folder of volumes; whoever keeps the cluster makes the links. A pod of
// a volume without one waits, as it would for a file system that is not there yet. Mount options of the network, such as `tls`, have no meaning here.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

type driver struct {
	csi.UnimplementedIdentityServer
	csi.UnimplementedNodeServer
	name, volumes string
}

func (d *driver) GetPluginInfo(context.Context, *csi.GetPluginInfoRequest) (*csi.GetPluginInfoResponse, error) {
	return &csi.GetPluginInfoResponse{Name: d.name, VendorVersion: "1"}, nil
}

func (d *driver) GetPluginCapabilities(context.Context, *csi.GetPluginCapabilitiesRequest) (*csi.GetPluginCapabilitiesResponse, error) {
	return &csi.GetPluginCapabilitiesResponse{}, nil
}

func (d *driver) Probe(context.Context, *csi.ProbeRequest) (*csi.ProbeResponse, error) {
	return &csi.ProbeResponse{}, nil
}

func (d *driver) NodeGetCapabilities(context.Context, *csi.NodeGetCapabilitiesRequest) (*csi.NodeGetCapabilitiesResponse, error) {
	return &csi.NodeGetCapabilitiesResponse{}, nil
}

func (d *driver) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	host, err := os.Hostname()
	return &csi.NodeGetInfoResponse{NodeId: host}, err
}

// NodePublishVolume shows a volume's folder at the pod's place; asked again, it has been done.
func (d *driver) NodePublishVolume(_ context.Context, asked *csi.NodePublishVolumeRequest) (*csi.NodePublishVolumeResponse, error) {
	id, target := asked.GetVolumeId(), asked.GetTargetPath()
	if id == "" || id == "." || id == ".." || strings.ContainsRune(id, '/') || target == "" {
		return nil, status.Errorf(codes.InvalidArgument, "volume %q at %q", id, target)
	}
	folder, err := filepath.EvalSymlinks(filepath.Join(d.volumes, id))
	if errors.Is(err, os.ErrNotExist) {
		return nil, status.Errorf(codes.NotFound, "volume %s has no folder yet", id)
	}
	if err == nil {
		err = show(folder, target, asked.GetReadonly())
	}
	if err != nil {
		return nil, status.Errorf(codes.Internal, "volume %s: %v", id, err)
	}
	return &csi.NodePublishVolumeResponse{}, nil
}

func show(folder, target string, readOnly bool) error {
	if err := os.MkdirAll(target, 0o750); err != nil {
		return err
	}
	var there, here unix.Stat_t
	if err := errors.Join(unix.Stat(folder, &there), unix.Stat(target, &here)); err != nil {
		return err
	}
	if there.Dev == here.Dev && there.Ino == here.Ino {
		return nil
	}
	if err := unix.Mount(folder, target, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	if !readOnly {
		return nil
	}
	err := unix.Mount("", target, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
	if err != nil {
		unix.Unmount(target, unix.MNT_DETACH)
	}
	return err
}

// NodeUnpublishVolume takes the pod's place away and leaves the folder; asked again, it has been done.
func (d *driver) NodeUnpublishVolume(_ context.Context, asked *csi.NodeUnpublishVolumeRequest) (*csi.NodeUnpublishVolumeResponse, error) {
	target := asked.GetTargetPath()
	// Nothing is mounted there: EINVAL. Nothing is there: ENOENT.
	if err := unix.Unmount(target, 0); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return nil, status.Errorf(codes.Internal, "%s: %v", target, err)
	}
	if err := os.Remove(target); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, status.Errorf(codes.Internal, "%s: %v", target, err)
	}
	return &csi.NodeUnpublishVolumeResponse{}, nil
}

type registrar struct {
	registration.UnimplementedRegistrationServer
	name, socket string
}

func (r *registrar) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	return &registration.PluginInfo{Type: registration.CSIPlugin, Name: r.name, Endpoint: r.socket, SupportedVersions: []string{"1.0.0"}}, nil
}

func (r *registrar) NotifyRegistrationStatus(_ context.Context, said *registration.RegistrationStatus) (*registration.RegistrationStatusResponse, error) {
	if !said.PluginRegistered {
		log.Fatalf("the kubelet does not take this driver: %s", said.Error)
	}
	return &registration.RegistrationStatusResponse{}, nil
}

func listen(socket string) net.Listener {
	if err := os.MkdirAll(filepath.Dir(socket), 0o750); err != nil {
		log.Fatal(err)
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		log.Fatal(err)
	}
	found, err := net.Listen("unix", socket)
	if err != nil {
		log.Fatal(err)
	}
	return found
}

func main() {
	name := flag.String("name", "", "the driver's name, as volumes have it")
	volumes := flag.String("volumes", "", "folder of links: handle of a volume -> its folder")
	socket := flag.String("socket", "", "where the kubelet asks for volumes")
	registry := flag.String("registry", "", "the folder in which the kubelet looks for drivers")
	flag.Parse()
	if *name == "" || *volumes == "" || *socket == "" || *registry == "" {
		log.Fatal("each of -name, -volumes, -socket and -registry is needed")
	}
	storage, announced := grpc.NewServer(), grpc.NewServer()
	own := &driver{name: *name, volumes: *volumes}
	csi.RegisterIdentityServer(storage, own)
	csi.RegisterNodeServer(storage, own)
	registration.RegisterRegistrationServer(announced, &registrar{name: *name, socket: *socket})
	ends := make(chan error)
	open := listen(*socket)
	go func() { ends <- storage.Serve(open) }()
	go func() { ends <- announced.Serve(listen(filepath.Join(*registry, "files.sock"))) }()
	log.Fatal(<-ends)
}
