package main

import (
	"slices"
	"strconv"
	"strings"

	core "k8s.io/api/core/v1"
)

// As amazon-eks-pod-identity-webhook has them in its README.
const (
	annotation          = "eks.amazonaws.com/"
	volumeName          = "aws-iam-token"
	tokenFolder         = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
	defaultAudience     = "sts.amazonaws.com"
	defaultTokenSeconds = 86400
	leastTokenSeconds   = 600
)

// identity is what a service account's annotations ask for.
type identity struct {
	role, audience, region string
	tokenSeconds           int64
	regionalSts            bool
}

func identityOf(account *core.ServiceAccount, region string) (identity, bool) {
	role := account.Annotations[annotation+"role-arn"]
	found := identity{role, defaultAudience, region, defaultTokenSeconds, true}
	if audience := account.Annotations[annotation+"audience"]; audience != "" {
		found.audience = audience
	}
	if seconds, err := strconv.ParseInt(account.Annotations[annotation+"token-expiration"], 10, 64); err == nil {
		found.tokenSeconds = max(seconds, leastTokenSeconds)
	}
	if regional, err := strconv.ParseBool(account.Annotations[annotation+"sts-regional-endpoints"]); err == nil {
		found.regionalSts = regional
	}
	return found, role != ""
}

// giveTo adds the token, and the variables by which AWS' clients find it, to every container that is not left out.
func (i identity) giveTo(pod *core.Pod) {
	skipped := strings.Split(pod.Annotations[annotation+"skip-containers"], ",")
	for _, containers := range [][]core.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for n := range containers {
			if !slices.Contains(skipped, containers[n].Name) {
				i.giveToContainer(&containers[n])
			}
		}
	}
	has := func(volume core.Volume) bool { return volume.Name == volumeName }
	if !slices.ContainsFunc(pod.Spec.Volumes, has) {
		pod.Spec.Volumes = append(pod.Spec.Volumes, i.volume())
	}
}

func (i identity) giveToContainer(container *core.Container) {
	if i.regionalSts {
		add(container, core.EnvVar{Name: "AWS_STS_REGIONAL_ENDPOINTS", Value: "regional"})
	}
	if i.region != "" {
		add(container, core.EnvVar{Name: "AWS_DEFAULT_REGION", Value: i.region}, core.EnvVar{Name: "AWS_REGION", Value: i.region})
	}
	add(container,
		core.EnvVar{Name: "AWS_ROLE_ARN", Value: i.role},
		core.EnvVar{Name: "AWS_WEB_IDENTITY_TOKEN_FILE", Value: tokenFolder + "/token"},
	)
	has := func(mount core.VolumeMount) bool { return mount.Name == volumeName }
	if !slices.ContainsFunc(container.VolumeMounts, has) {
		mount := core.VolumeMount{Name: volumeName, ReadOnly: true, MountPath: tokenFolder}
		container.VolumeMounts = append(container.VolumeMounts, mount)
	}
}

// add sets variables that belong together, or none of them where the container has one of its own.
func add(container *core.Container, together ...core.EnvVar) {
	for _, variable := range together {
		if slices.ContainsFunc(container.Env, func(own core.EnvVar) bool { return own.Name == variable.Name }) {
			return
		}
	}
	container.Env = append(container.Env, together...)
}

func (i identity) volume() core.Volume {
	token := &core.ServiceAccountTokenProjection{Audience: i.audience, ExpirationSeconds: &i.tokenSeconds, Path: "token"}
	sources := []core.VolumeProjection{{ServiceAccountToken: token}}
	return core.Volume{
		Name:         volumeName,
		VolumeSource: core.VolumeSource{Projected: &core.ProjectedVolumeSource{Sources: sources}},
	}
}
