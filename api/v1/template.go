package v1

// ResourceTemplate gives primitives that name it their agent and settings (template). Its name is the XML id.
type ResourceTemplate struct {
	Object
	// Spec is the desired state.
	Spec ResourceTemplateSpec `json:"spec"`
}

// ResourceTemplateSpec is the desired state of a ResourceTemplate: a primitive with an Agent and without a Template.
type ResourceTemplateSpec struct {
	Primitive
}

// Tag gives a name to a list of objects. Constraints may name it in place of a resource. Its name is the XML id.
type Tag struct {
	Object
	// Spec is the desired state.
	Spec TagSpec `json:"spec"`
}

// TagSpec is the desired state of a Tag.
type TagSpec struct {
	// Objects are the ids of resources, constraints or other elements of the CIB.
	Objects []string `json:"objects" ref:"any"`
}

// SetDefaults sets nothing but the type.
func (t *ResourceTemplate) SetDefaults() { t.setType("ResourceTemplate") }

func (t *ResourceTemplate) validate(c *checker) {
	if t.Spec.Template != "" {
		c.errorf(&t.Object, "spec.template", "a template cannot take from another; write the agent")
		return
	}
	c.primitive(&t.Object, "spec", &t.Spec.Primitive)
}

// SetDefaults sets nothing but the type.
func (t *Tag) SetDefaults() { t.setType("Tag") }

func (t *Tag) validate(*checker) {}
