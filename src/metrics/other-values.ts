/** How many values of a dimension have no run of their own: a metric of the run `(other)`. */
export const otherValuesMetric = 'other_values';
