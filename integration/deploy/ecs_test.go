package deploy_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// task is a task definition as ECS registers it, as far as ours use it.
type task struct {
	Family                  string   `json:"family"`
	RequiresCompatibilities []string `json:"requiresCompatibilities"`
	NetworkMode             string   `json:"networkMode"`
	CPU                     string   `json:"cpu"`
	Memory                  string   `json:"memory"`
	ExecutionRoleARN        string   `json:"executionRoleArn"`
	TaskRoleARN             string   `json:"taskRoleArn"`
	RuntimePlatform         struct {
		OperatingSystemFamily string `json:"operatingSystemFamily"`
		CPUArchitecture       string `json:"cpuArchitecture"`
	} `json:"runtimePlatform"`
	ContainerDefinitions []container `json:"containerDefinitions"`
	Volumes              []struct {
		Name string         `json:"name"`
		EFS  map[string]any `json:"efsVolumeConfiguration"`
	} `json:"volumes"`
	EphemeralStorage struct {
		SizeInGiB int `json:"sizeInGiB"`
	} `json:"ephemeralStorage"`
}

type container struct {
	Name                   string `json:"name"`
	Image                  string `json:"image"`
	Essential              bool   `json:"essential"`
	User                   string `json:"user"`
	ReadonlyRootFilesystem bool   `json:"readonlyRootFilesystem"`
	LinuxParameters        struct {
		Capabilities struct {
			Add  []string `json:"add"`
			Drop []string `json:"drop"`
		} `json:"capabilities"`
		InitProcessEnabled bool `json:"initProcessEnabled"`
	} `json:"linuxParameters"`
	StopTimeout  int `json:"stopTimeout"`
	PortMappings []struct {
		Name          string `json:"name"`
		ContainerPort int32  `json:"containerPort"`
		Protocol      string `json:"protocol"`
	} `json:"portMappings"`
	Environment []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"environment"`
	MountPoints []struct {
		SourceVolume  string `json:"sourceVolume"`
		ContainerPath string `json:"containerPath"`
		ReadOnly      bool   `json:"readOnly"`
	} `json:"mountPoints"`
	LogConfiguration map[string]any `json:"logConfiguration"`
}

// maxStopTimeout is the longest that Fargate waits before it kills, in seconds.
const maxStopTimeout = 120

func TestECSTasksSayWhatTheProgramsUnderstand(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(folder, "ecs", "*.json"))
	if err != nil || len(files) != 4 {
		t.Fatalf("%d task definitions, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			decoder := json.NewDecoder(bytes.NewReader(read(t, file)))
			decoder.DisallowUnknownFields()
			var d task
			if err := decoder.Decode(&d); err != nil {
				t.Fatal(err)
			}
			c := d.ContainerDefinitions[0]
			if want := strings.TrimSuffix(filepath.Base(file), ".json"); d.Family != "fiord-"+want || programOf(c.Image) != want {
				t.Errorf("family %s, image %s", d.Family, c.Image)
			}
			env := map[string]string{}
			for _, e := range c.Environment {
				env[e.Name] = e.Value
			}
			s, err := load(t, c.Image, "", env, secrets)
			if err != nil {
				t.Fatal(err)
			}
			s.check(t)
			ports := s.listens(t)
			for _, p := range c.PortMappings {
				if ports[p.Name] != p.ContainerPort {
					t.Errorf("port %s is %d, the program listens on %d", p.Name, p.ContainerPort, ports[p.Name])
				}
				delete(ports, p.Name)
			}
			if len(ports) > 0 {
				t.Errorf("ports that nobody reaches: %v", ports)
			}
			contained(t, d, c)
		})
	}
}

// contained wants a task to mount what is there and to have no rights.
func contained(t *testing.T, d task, c container) {
	t.Helper()
	volumes := map[string]bool{}
	for _, v := range d.Volumes {
		volumes[v.Name] = true
	}
	for _, m := range c.MountPoints {
		if !volumes[m.SourceVolume] {
			t.Errorf("%s is no volume", m.SourceVolume)
		}
		if m.ContainerPath == secrets && !m.ReadOnly {
			t.Error("the service may change its keys")
		}
	}
	caps := c.LinuxParameters.Capabilities
	if !c.ReadonlyRootFilesystem || strings.HasPrefix(c.User, "0") || len(caps.Add) > 0 || len(caps.Drop) != 1 || caps.Drop[0] != "ALL" {
		t.Error("the task has rights that it does not need")
	}
	if c.StopTimeout < 30 || c.StopTimeout > maxStopTimeout {
		t.Errorf("stopTimeout is %d", c.StopTimeout)
	}
}
