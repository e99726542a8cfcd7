package deploy_test

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/natsd"
)

// secrets is where manifests mount keys.
const secrets = "/run/secrets/fiord"

var overlays = []string{"overlays/lab", "overlays/cloud"}

// each runs a check on every overlay.
func each(t *testing.T, check func(t *testing.T, m *manifest)) {
	for _, overlay := range overlays {
		t.Run(overlay, func(t *testing.T) { check(t, build(t, overlay)) })
	}
}

func TestKubernetesSettingsAreThoseOfThePrograms(t *testing.T) {
	each(t, func(t *testing.T, m *manifest) {
		file := m.config(t)
		for _, w := range m.workloads {
			c := w.pod.Spec.Containers[0]
			if programOf(c.Image) == "nats" {
				continue
			}
			env := environ(c)
			name := file
			if w.meta.Namespace != "fiord" {
				name = "" // a worker's is in its bundle
				env["FIORD_S3_ACCESS_KEY_FILE"], env["FIORD_S3_SECRET_KEY_FILE"] = secrets+"/s3.access_key", secrets+"/s3.secret_key"
			}
			s, err := load(t, c.Image, name, env, secrets)
			if err != nil {
				t.Errorf("%s: %v", w, err)
				continue
			}
			s.check(t)
			ports(t, w, s)
			if s.program == "bench" && grace(w) <= s.bench.StopWait {
				t.Errorf("%s is killed after %s, while fio gets %s to end", w, grace(w), s.bench.StopWait)
			}
		}
	})
}

func grace(w workload) time.Duration {
	return time.Duration(*w.pod.Spec.TerminationGracePeriodSeconds) * time.Second
}

// ports wants the ports of a container to be those that its program listens on.
func ports(t *testing.T, w workload, s *settings) {
	t.Helper()
	if s.program == "fiord" {
		return
	}
	said := map[string]int32{}
	for _, p := range w.pod.Spec.Containers[0].Ports {
		said[p.Name] = p.ContainerPort
	}
	for name, port := range s.listens(t) {
		if said[name] != port {
			t.Errorf("%s listens on port %d, the manifest says %s: %d", w, port, name, said[name])
		}
		delete(said, name)
	}
	if len(said) > 0 {
		t.Errorf("%s has ports that nobody listens on: %v", w, said)
	}
}

func TestKubernetesProbesAskWhatIsServed(t *testing.T) {
	each(t, func(t *testing.T, m *manifest) {
		for _, w := range m.workloads {
			c := w.pod.Spec.Containers[0]
			if w.kind == "Job" {
				continue
			}
			if c.LivenessProbe == nil || c.ReadinessProbe == nil {
				t.Errorf("%s is not probed", w)
				continue
			}
			for _, p := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
				if p == nil || programOf(c.Image) == "nats" && strings.HasPrefix(p.HTTPGet.Path, server.HealthzPath) {
					continue
				}
				if p.HTTPGet.Port.StrVal != "admin" || !adminAnswers(t, p.HTTPGet.Path) {
					t.Errorf("%s is probed at %s of port %s, where nothing answers", w, p.HTTPGet.Path, p.HTTPGet.Port.String())
				}
			}
		}
	})
}

func TestKubernetesPodsMayAsLittleAsPossible(t *testing.T) {
	each(t, func(t *testing.T, m *manifest) {
		for _, w := range m.workloads {
			spec := w.pod.Spec
			if s := spec.SecurityContext; s == nil || !*s.RunAsNonRoot || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
				t.Errorf("%s runs as anybody, or without a seccomp profile", w)
			}
			if spec.HostNetwork || spec.HostPID || spec.HostIPC || *spec.AutomountServiceAccountToken {
				t.Errorf("%s shares something with its node, or may talk to the cluster", w)
			}
			for _, c := range spec.Containers {
				s := c.SecurityContext
				if *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || s.Privileged != nil || len(s.Capabilities.Add) > 0 || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
					t.Errorf("%s has privileges", w)
				}
				if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
					t.Errorf("%s has no request of CPU or no limit of memory", w)
				}
			}
			for _, v := range spec.Volumes {
				if v.HostPath != nil && w.kind != "DaemonSet" {
					t.Errorf("%s mounts %s of its node", w, v.HostPath.Path)
				}
			}
			m.inNamespace(t, w)
		}
	})
}

// inNamespace wants a namespace that lets the pods in, and forbids what they do
// not need.
func (m *manifest) inNamespace(t *testing.T, w workload) {
	t.Helper()
	want := "restricted"
	if w.kind == "DaemonSet" {
		want = "privileged" // the only level that allows folders of the node
	}
	for _, n := range m.namespaces {
		if n.Name == w.meta.Namespace {
			if got := n.Labels["pod-security.kubernetes.io/enforce"]; got != want {
				t.Errorf("namespace %s enforces %s, %s needs %s", n.Name, got, w, want)
			}
			return
		}
	}
	t.Errorf("%s is in a namespace that nobody makes", w)
}

func TestKubernetesVolumesAreThere(t *testing.T) {
	each(t, func(t *testing.T, m *manifest) {
		for _, w := range m.workloads {
			known := map[string]bool{}
			for _, v := range w.pod.Spec.Volumes {
				known[v.Name] = true
				if v.ConfigMap != nil && v.ConfigMap.Optional == nil && !slices.ContainsFunc(m.configs, func(c corev1.ConfigMap) bool {
					return c.Name == v.ConfigMap.Name && c.Namespace == w.meta.Namespace
				}) {
					t.Errorf("%s mounts the ConfigMap %s, which nobody makes", w, v.ConfigMap.Name)
				}
			}
			for _, c := range w.claims {
				known[c.Name] = true
			}
			for _, mount := range w.pod.Spec.Containers[0].VolumeMounts {
				if !known[mount.Name] {
					t.Errorf("%s mounts %s, which is no volume", w, mount.Name)
				}
			}
		}
	})
}

func TestKubernetesSelectorsMeetPods(t *testing.T) {
	each(t, func(t *testing.T, m *manifest) {
		for _, w := range m.workloads {
			if w.selector != nil && len(m.selected(t, w.meta.Namespace, w.selector)) != 1 {
				t.Errorf("%s selects not just its own pods", w)
			}
			if w.serviceOf != "" && !slices.ContainsFunc(m.services, func(s corev1.Service) bool { return s.Name == w.serviceOf && s.Namespace == w.meta.Namespace }) {
				t.Errorf("%s: no service %s", w, w.serviceOf)
			}
		}
		for _, s := range m.services {
			pods := m.selected(t, s.Namespace, &metav1.LabelSelector{MatchLabels: s.Spec.Selector})
			for _, p := range s.Spec.Ports {
				if len(pods) != 1 || !hasPort(pods[0], p.TargetPort) {
					t.Errorf("service %s: nobody has port %s", s.Name, p.TargetPort.String())
				}
			}
		}
		for _, b := range m.budgets {
			if len(m.selected(t, b.Namespace, b.Spec.Selector)) != 1 {
				t.Errorf("disruption budget %s selects not one workload", b.Name)
			}
		}
		for _, n := range m.networks {
			pods := m.selected(t, n.Namespace, &n.Spec.PodSelector)
			if len(pods) == 0 {
				t.Errorf("network policy %s/%s is about nobody", n.Namespace, n.Name)
			}
			for _, rule := range n.Spec.Ingress {
				for _, p := range rule.Ports {
					if !slices.ContainsFunc(pods, func(w workload) bool { return hasPort(w, *p.Port) }) {
						t.Errorf("network policy %s/%s opens port %s, which nobody has", n.Namespace, n.Name, p.Port.String())
					}
				}
			}
		}
	})
}

// selected are the workloads whose pods a selector meets.
func (m *manifest) selected(t *testing.T, namespace string, s *metav1.LabelSelector) (list []workload) {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range m.workloads {
		if w.meta.Namespace == namespace && selector.Matches(labels.Set(w.pod.Labels)) {
			list = append(list, w)
		}
	}
	return list
}

func hasPort(w workload, port intstr.IntOrString) bool {
	return slices.ContainsFunc(w.pod.Spec.Containers[0].Ports, func(p corev1.ContainerPort) bool {
		return p.Name == port.StrVal || port.Type == intstr.Int && p.ContainerPort == port.IntVal
	})
}

// KEDA asks for consumers that services so configured make, of a server that is
// there, and takes replicas away slowly.
func TestKubernetesScalesByTheLagOfConsumersThatExist(t *testing.T) {
	m := build(t, "overlays/cloud")
	s, err := load(t, "fiord-inventory", m.config(t), map[string]string{
		"FIORD_S3_ACCESS_KEY_FILE": secrets + "/s3.access_key", "FIORD_S3_SECRET_KEY_FILE": secrets + "/s3.secret_key",
	}, secrets)
	if err != nil {
		t.Fatal(err)
	}
	s.bench.Pools = s.inventory.Pools // every pool that benches may name has a worker
	if len(m.scales) < 4 {
		t.Errorf("%d things are scaled", len(m.scales))
	}
	for _, o := range m.scales {
		kind := o.Spec.ScaleTargetRef.Kind
		if kind == "" {
			kind = "Deployment"
		}
		if !slices.ContainsFunc(m.workloads, func(w workload) bool {
			return w.kind == kind && w.meta.Name == o.Spec.ScaleTargetRef.Name && w.meta.Namespace == o.Namespace
		}) {
			t.Errorf("scaling of %s: there is no %s %s", o.Name, kind, o.Spec.ScaleTargetRef.Name)
		}
		down := o.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior.ScaleDown
		if o.Spec.MinReplicaCount < 1 || down.StabilizationWindowSeconds < 300 {
			t.Errorf("scaling of %s: at rest %d replicas, %d s before one goes", o.Name, o.Spec.MinReplicaCount, down.StabilizationWindowSeconds)
		}
		for _, trigger := range o.Spec.Triggers {
			about := trigger.Metadata
			if trigger.Type != "nats-jetstream" || about["account"] != natsd.Home || about["stream"] != bus.StreamEvents {
				t.Errorf("scaling of %s asks for %v", o.Name, trigger)
			}
			if !slices.Contains(s.durables(), about["consumer"]) {
				t.Errorf("scaling of %s asks for consumer %s, which nobody makes", o.Name, about["consumer"])
			}
			if n, err := strconv.Atoi(about["lagThreshold"]); err != nil || n < 1 {
				t.Errorf("scaling of %s: lagThreshold %q", o.Name, about["lagThreshold"])
			}
			m.monitored(t, o.Name, about["natsServerMonitoringEndpoint"])
		}
	}
}

// monitored wants an address of a service that has this port. In a cluster KEDA
// asks the consumer's leader by the server's name below the service's, which is
// a pod's name below a headless service.
func (m *manifest) monitored(t *testing.T, who, endpoint string) {
	t.Helper()
	u, err := url.Parse("http://" + endpoint)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range m.services {
		if u.Hostname() != s.Name+"."+s.Namespace+".svc.cluster.local" {
			continue
		}
		if !slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return strconv.Itoa(int(p.Port)) == u.Port() }) || s.Spec.ClusterIP != corev1.ClusterIPNone {
			t.Errorf("scaling of %s asks %s, which is no port of a headless service", who, endpoint)
		}
		return
	}
	t.Errorf("scaling of %s asks %s, which is no service", who, endpoint)
}
