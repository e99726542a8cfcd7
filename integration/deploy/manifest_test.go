package deploy_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// scaledObject is KEDA's, as far as the manifests use it.
type scaledObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		ScaleTargetRef  struct{ Kind, Name string }
		MinReplicaCount int32
		MaxReplicaCount int32
		PollingInterval int32
		Fallback        *struct{ FailureThreshold, Replicas int32 }
		Advanced        struct {
			HorizontalPodAutoscalerConfig struct {
				Behavior struct {
					ScaleDown struct {
						StabilizationWindowSeconds int32
						Policies                   []struct {
							Type                 string
							Value, PeriodSeconds int32
						}
					}
				}
			}
		}
		Triggers []struct {
			Type     string
			Metadata map[string]string
		}
	}
}

// workload is whatever makes pods.
type workload struct {
	kind      string
	meta      metav1.ObjectMeta
	pod       corev1.PodTemplateSpec
	selector  *metav1.LabelSelector
	claims    []corev1.PersistentVolumeClaim
	serviceOf string // of a StatefulSet
}

func (w workload) String() string { return w.kind + " " + w.meta.Namespace + "/" + w.meta.Name }

// manifest is what an overlay makes.
type manifest struct {
	workloads  []workload
	services   []corev1.Service
	configs    []corev1.ConfigMap
	namespaces []corev1.Namespace
	budgets    []policyv1.PodDisruptionBudget
	networks   []networkingv1.NetworkPolicy
	scales     []scaledObject
}

// build renders an overlay as kubectl apply -k does, and reads each object into
// its type, with fields that do not exist refused.
func build(t *testing.T, overlay string) *manifest {
	t.Helper()
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(folder, "kubernetes", overlay))
	if err != nil {
		t.Fatal(err)
	}
	m := &manifest{}
	for _, r := range made.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		if err := m.add(r.GetKind(), text); err != nil {
			t.Errorf("%s %s: %v", r.GetKind(), r.GetName(), err)
		}
	}
	return m
}

func (m *manifest) add(kind string, text []byte) error {
	switch kind {
	case "Deployment":
		o, err := decode[appsv1.Deployment](text)
		m.workloads = append(m.workloads, workload{kind: kind, meta: o.ObjectMeta, pod: o.Spec.Template, selector: o.Spec.Selector})
		return err
	case "DaemonSet":
		o, err := decode[appsv1.DaemonSet](text)
		m.workloads = append(m.workloads, workload{kind: kind, meta: o.ObjectMeta, pod: o.Spec.Template, selector: o.Spec.Selector})
		return err
	case "StatefulSet":
		o, err := decode[appsv1.StatefulSet](text)
		m.workloads = append(m.workloads, workload{kind, o.ObjectMeta, o.Spec.Template, o.Spec.Selector, o.Spec.VolumeClaimTemplates, o.Spec.ServiceName})
		return err
	case "Job":
		o, err := decode[batchv1.Job](text)
		m.workloads = append(m.workloads, workload{kind: kind, meta: o.ObjectMeta, pod: o.Spec.Template})
		return err
	case "Service":
		return into(&m.services, text)
	case "ConfigMap":
		return into(&m.configs, text)
	case "Namespace":
		return into(&m.namespaces, text)
	case "PodDisruptionBudget":
		return into(&m.budgets, text)
	case "NetworkPolicy":
		return into(&m.networks, text)
	case "ScaledObject":
		return into(&m.scales, text)
	default:
		return fmt.Errorf("manifests hold no %s", kind)
	}
}

func decode[T any](text []byte) (T, error) {
	var o T
	return o, yaml.UnmarshalStrict(text, &o)
}

func into[T any](list *[]T, text []byte) error {
	o, err := decode[T](text)
	*list = append(*list, o)
	return err
}

// config is fiord.yaml of the overlay, in a file.
func (m *manifest) config(t *testing.T) string {
	t.Helper()
	for _, c := range m.configs {
		if text, ok := c.Data["fiord.yaml"]; ok {
			file := filepath.Join(t.TempDir(), "fiord.yaml")
			write(t, file, text)
			return file
		}
	}
	t.Fatal("no ConfigMap has fiord.yaml")
	return ""
}

// environ are a container's variables, with those of the pod's own filled in.
func environ(c corev1.Container) map[string]string {
	all := map[string]string{}
	for _, e := range c.Env {
		value := e.Value
		if e.ValueFrom != nil {
			value = "node-1"
		}
		for name, known := range all {
			value = strings.ReplaceAll(value, "$("+name+")", known)
		}
		all[e.Name] = value
	}
	return all
}

func TestManifestsAreStrict(t *testing.T) {
	m := &manifest{}
	bad := []byte("apiVersion: v1\nkind: Service\nspec: {ports: [{prot: 1}]}\n")
	if err := m.add("Service", bad); err == nil {
		t.Error("a field that does not exist was accepted")
	}
	if err := m.add("Secret", nil); err == nil {
		t.Error("a secret was accepted")
	}
}
